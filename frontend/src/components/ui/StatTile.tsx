import type { ComponentChildren } from 'preact';
import { Skeleton } from './Skeleton';

type Props = {
  label: string;
  /** Null while it is being fetched. What is unknown is a dash. */
  value: ComponentChildren | null;
  note?: ComponentChildren;
  tone?: 'plain' | 'warning' | 'error';
  class?: string;
};

const TONES = { plain: '', warning: 'text-warning-content dark:text-warning', error: 'text-error' };

/** One number with its name. Put them in a `StatTiles`. */
export function StatTile({ label, value, note, tone = 'plain', class: cls = '' }: Props) {
  return (
    <div class={`card-surface min-w-0 px-4 py-3.5 ${cls}`}>
      <dt class="muted truncate text-sm">{label}</dt>
      <dd>
        {value === null ? (
          <Skeleton class="mt-1.5 h-7 w-24" />
        ) : (
          <div class={`num mt-0.5 truncate text-2xl font-semibold tracking-tight ${TONES[tone]}`}>
            {value}
          </div>
        )}
        {value === null ? (
          <Skeleton class="mt-1.5 h-4 w-32" />
        ) : (
          <div class="muted num mt-0.5 min-h-4 truncate text-xs">{note}</div>
        )}
      </dd>
    </div>
  );
}

export const StatTiles = ({ children, five = false }: { children: ComponentChildren; five?: boolean }) => (
  <dl class={`grid grid-cols-2 gap-3 ${five ? 'lg:grid-cols-5' : 'lg:grid-cols-4'}`}>{children}</dl>
);
