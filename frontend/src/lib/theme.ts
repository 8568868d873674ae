/** Light, dark, or as the system has it. The script in the layouts sets it before the first paint. */
import { signal } from '@preact/signals';

export type Theme = 'light' | 'dark' | 'system';
const KEY = 'pouch-theme';

function stored(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    // Storage can be forbidden; then the theme lasts as long as the page.
    return 'system';
  }
}

const system = () => (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');

export const theme = signal<Theme>(typeof window === 'undefined' ? 'system' : stored());

export const shownTheme = (): 'light' | 'dark' => (theme.value === 'system' ? system() : theme.value);

export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  document.documentElement.dataset.theme = `pouch-${shownTheme()}`;
  try {
    if (chosen === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, chosen);
  } catch {
    // As above.
  }
}

/** Runs in the page's head, before anything is painted, so that no page flashes in the other theme. */
export const THEME_SCRIPT = `(()=>{let t=null;try{t=localStorage.getItem('${KEY}')}catch{}
if(t!=='light'&&t!=='dark')t=matchMedia('(prefers-color-scheme: dark)').matches?'dark':'light';
document.documentElement.dataset.theme='pouch-'+t})()`;
