import type { ComponentChildren } from 'preact';

type Props = { title: string; description?: string; children?: ComponentChildren };

/** The top of every page: what it is, and at its right what one does here. */
export function PageHeader({ title, description, children }: Props) {
  return (
    <header class="flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div class="min-w-0">
        <h1 class="text-2xl font-semibold tracking-tight">{title}</h1>
        {description && <p class="muted mt-1 text-sm">{description}</p>}
      </div>
      {children && <div class="flex flex-wrap items-center gap-2 max-sm:w-full">{children}</div>}
    </header>
  );
}
