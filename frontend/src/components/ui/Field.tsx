import type { ComponentChildren } from 'preact';
import { useUniqueId } from '../../lib/useUniqueId';
import { Icon } from './Icon';

type Props = {
  label: string;
  /** What is meant, below the input. */
  hint?: ComponentChildren;
  /** Why it was refused. */
  error?: string | null;
  optional?: boolean;
  /** Gets the ids that tie label, hint and error to the input. */
  children: (ids: { id: string; 'aria-describedby': string; 'aria-invalid': boolean }) => ComponentChildren;
};

/** One labelled input of a form. */
export function Field({ label, hint, error, optional = false, children }: Props) {
  const id = useUniqueId();
  return (
    <div class="grid min-w-0 grid-cols-1 content-start gap-1.5">
      <label for={id} class="text-sm font-medium">
        {label}
        {optional && <span class="muted ml-1.5 font-normal">optional</span>}
      </label>
      {children({ id, 'aria-describedby': `${id}-hint`, 'aria-invalid': Boolean(error) })}
      <p id={`${id}-hint`} class={`text-xs ${error ? 'text-error' : 'muted'} empty:hidden`}>
        {error ?? hint}
      </p>
    </div>
  );
}

/** Why a form as a whole was refused. */
export function FormError({ message }: { message: string | null }) {
  if (message === null) return null;
  return (
    <div
      role="alert"
      class="flex items-start gap-2 rounded-field bg-error/10 px-3 py-2 text-sm text-error wrap-anywhere"
    >
      <Icon name="error" class="mt-0.5" />
      <span>{message}</span>
    </div>
  );
}
