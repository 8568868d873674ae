import type { ComponentChildren } from 'preact';

type Props = {
  busy: boolean;
  danger?: boolean;
  disabled?: boolean;
  /** The id of the form, where the button stands outside it. */
  form?: string;
  children: ComponentChildren;
};

/** Sends a form, once: it is off while the answer is awaited. */
export function SubmitButton({ busy, danger = false, disabled = false, form, children }: Props) {
  return (
    <button
      type="submit"
      form={form}
      class={`btn ${danger ? 'btn-error' : 'btn-primary'}`}
      disabled={busy || disabled}
    >
      {busy && <span class="loading loading-spinner loading-xs" aria-hidden="true" />}
      {children}
    </button>
  );
}
