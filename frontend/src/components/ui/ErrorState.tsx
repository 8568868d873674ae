import { clock } from '../../lib/format';
import { Icon } from './Icon';

type Props = { error: Error; onRetry: () => void; what: string };

/** In the place of what could not be fetched. */
export function ErrorState({ error, onRetry, what }: Props) {
  return (
    <div class="flex flex-col items-center px-6 py-12 text-center" role="alert">
      <div class="mb-3 grid size-11 place-items-center rounded-box bg-error/10 text-error">
        <Icon name="error" size={20} />
      </div>
      <p class="text-sm font-semibold">Could not fetch {what}</p>
      <p class="muted mt-1 max-w-md text-sm">{error.message}</p>
      <button type="button" class="btn btn-sm mt-4" onClick={onRetry}>
        <Icon name="refresh" size={14} />
        Try again
      </button>
    </div>
  );
}

type StaleProps = { error: Error; loadedAt: number | null; onRetry: () => void };

/** Above what is still shown although it could not be fetched again. */
export function StaleNote({ error, loadedAt, onRetry }: StaleProps) {
  return (
    <div
      class="flex flex-wrap items-center gap-x-3 gap-y-1 border-t border-base-300 bg-warning/10 px-4 py-2 text-sm sm:px-5"
      role="status"
    >
      <Icon name="warning" size={15} />
      <span class="min-w-0 flex-1">
        {error.message} {loadedAt !== null && `Shown as of ${clock(new Date(loadedAt).toISOString())}.`}
      </span>
      <button type="button" class="btn btn-xs" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
