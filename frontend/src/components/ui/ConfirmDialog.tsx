import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { messageOf } from '../../lib/api/client';
import { Dialog } from './Dialog';
import { FormError } from './Field';
import { SubmitButton } from './SubmitButton';

type Props = {
  title: string;
  /** What the button says: the act itself, never "OK". */
  act: string;
  danger?: boolean;
  /** Must be typed before the act, where there is no way back. */
  typed?: string;
  /** Done when the act is; a failure is shown in the dialog, which stays. */
  onConfirm: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
};

/** Asks before an act that cannot be undone, or that stops someone's application. */
export function ConfirmDialog({ title, act, danger = false, typed, onConfirm, onClose, children }: Props) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [text, setText] = useState('');
  const confirm = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await onConfirm();
    } catch (failure) {
      setProblem(messageOf(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} width="narrow" onClose={onClose}>
      <form onSubmit={confirm} class="grid grid-cols-1 gap-4">
        <div class="text-sm">{children}</div>
        {typed !== undefined && (
          <label class="grid grid-cols-1 gap-1.5 text-sm">
            <span>
              Type <strong class="wrap-anywhere">{typed}</strong> to go on
            </span>
            <input
              class="input w-full"
              value={text}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
        )}
        <FormError message={problem} />
        <div class="flex justify-end gap-2 max-sm:*:flex-1">
          <button type="button" class="btn" onClick={onClose}>
            Cancel
          </button>
          <SubmitButton busy={busy} danger={danger} disabled={typed !== undefined && text.trim() !== typed}>
            {act}
          </SubmitButton>
        </div>
      </form>
    </Dialog>
  );
}
