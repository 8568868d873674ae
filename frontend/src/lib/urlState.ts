/**
 * What a page shows, kept in its address: filters, the open drawer, the tab. So a reload, a
 * bookmark and the back button bring it back.
 */
import { signal } from '@preact/signals';

const here = () => (typeof location === 'undefined' ? '' : location.search);

const search = signal(here());

if (typeof window !== 'undefined') {
  window.addEventListener('popstate', () => {
    search.value = here();
  });
}

/** A parameter of the address; null where it is absent or empty. A component that reads it follows it. */
export const param = (name: string): string | null => new URLSearchParams(search.value).get(name) || null;

/** The address with some parameters changed; null takes one out. */
export function withParams(changes: Record<string, string | null>): string {
  const next = new URLSearchParams(search.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  const text = next.toString();
  return text ? `?${text}` : '';
}

/**
 * Changes parameters of the address. `push` makes a step that the back button undoes, for what
 * opens something; filters replace, so that typing leaves no trail.
 */
export function setParams(changes: Record<string, string | null>, how: 'push' | 'replace' = 'replace'): void {
  const next = withParams(changes);
  if (next === search.value) return;
  const address = location.pathname + next + location.hash;
  if (how === 'push') history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  search.value = next;
}

/** For tests: as if the page had been opened at this query string. */
export function openAt(query: string): void {
  history.replaceState(null, '', location.pathname + query);
  search.value = query;
}
