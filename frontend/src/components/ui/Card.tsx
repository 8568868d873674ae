import type { ComponentChildren } from 'preact';
import { useUniqueId } from '../../lib/useUniqueId';

type Props = {
  title: string;
  /** Beside the title: a count, a unit. */
  note?: ComponentChildren;
  /** At the right of the title: filters, a link. */
  actions?: ComponentChildren;
  /** For what brings its own edges, such as a table. */
  flush?: boolean;
  children: ComponentChildren;
};

/** A titled surface; a page is made of these. */
export function Card({ title, note, actions, flush = false, children }: Props) {
  const id = useUniqueId();
  return (
    <section class="card-surface min-w-0 overflow-hidden" aria-labelledby={id}>
      <div class="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 py-3 sm:px-5">
        <h2 id={id} class="text-sm font-semibold">
          {title}
          {note && <span class="muted num ml-2 font-normal">{note}</span>}
        </h2>
        {actions}
      </div>
      <div class={flush ? '' : 'px-4 pb-4 sm:px-5 sm:pb-5'}>{children}</div>
    </section>
  );
}
