import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './Icon';

type Props = { icon: IconName; title: string; children?: ComponentChildren; action?: ComponentChildren };

/** In the place of a list that has nothing in it yet: why, and what to do about it. */
export function EmptyState({ icon, title, children, action }: Props) {
  return (
    <div class="flex flex-col items-center px-6 py-12 text-center">
      <div class="mb-3 grid size-11 place-items-center rounded-box bg-base-200 text-base-content/70">
        <Icon name={icon} size={20} />
      </div>
      <p class="text-sm font-semibold">{title}</p>
      {children && <p class="muted mt-1 max-w-sm text-sm">{children}</p>}
      {action && <div class="mt-4">{action}</div>}
    </div>
  );
}

/** In the place of a list whose filters leave nothing. */
export function NoMatch({ what, onClear }: { what: string; onClear: () => void }) {
  return (
    <EmptyState
      icon="search"
      title={`No ${what} match`}
      action={
        <button type="button" class="btn btn-sm" onClick={onClear}>
          Clear filters
        </button>
      }
    >
      Nothing fits all of the filters at once.
    </EmptyState>
  );
}
