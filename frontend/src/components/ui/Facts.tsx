import type { ComponentChildren } from 'preact';

/** What is known of one thing, as pairs of a name and a value, in a drawer. */
export function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return (
    <dl class="grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-6 gap-y-2 text-sm">
      {facts.map(([name, value]) => (
        <div key={name} class="contents">
          <dt class="muted">{name}</dt>
          <dd class="min-w-0 wrap-anywhere">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A titled part of a drawer. */
export function Section({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="border-t border-base-300 pt-4 first:border-0 first:pt-0">
      <div class="mb-3 flex items-center justify-between gap-3">
        <h3 class="text-sm font-semibold">{title}</h3>
        {actions}
      </div>
      {children}
    </section>
  );
}
