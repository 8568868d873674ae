import { signal } from '@preact/signals';
import { ago, moment, until } from '../../lib/format';

/** One clock for every age on the page. */
const now = signal(Date.now());
if (typeof window !== 'undefined') setInterval(() => (now.value = Date.now()), 10_000);

/** How long ago, with the moment itself when one points at it. */
export function Ago({ at }: { at: string | null }) {
  if (at === null) return <span>never</span>;
  return (
    <time dateTime={at} title={moment(at)} class="num whitespace-nowrap">
      {ago(at, Math.max(now.value, Date.now()))}
    </time>
  );
}

/** How long until. */
export function Until({ at }: { at: string }) {
  return (
    <time dateTime={at} title={moment(at)} class="num whitespace-nowrap">
      {until(at, Math.max(now.value, Date.now()))}
    </time>
  );
}
