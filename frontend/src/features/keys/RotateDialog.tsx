import { useState } from 'preact/hooks';
import { Dialog } from '../../components/ui/Dialog';
import { FormError } from '../../components/ui/Field';
import { SubmitButton } from '../../components/ui/SubmitButton';
import { messageOf } from '../../lib/api/client';
import { useUniqueId } from '../../lib/useUniqueId';
import { type IssuedKey, type Key, rotateKey } from './keys';

type Props = { of: Key; onRotated: (issued: IssuedKey) => void; onClose: () => void };

const GRACES: [number, string, string][] = [
  [0, 'At once', 'For a key that has leaked: whoever uses the old one is refused from now on.'],
  [3600, 'In an hour', 'Time to change it in one place.'],
  [86_400, 'In a day', 'Time for a deployment.'],
  [604_800, 'In a week', 'Time to tell others.'],
];

/** A new secret for a key whose name, budget and history stay. */
export function RotateDialog({ of, onRotated, onClose }: Props) {
  const form = useUniqueId();
  const [grace, setGrace] = useState(86_400);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      onRotated(await rotateKey(of.id, grace));
    } catch (failure) {
      setProblem(messageOf(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Rotate “${of.name}”`}
      description="It gets a new secret. Its budget, limits and history stay as they are."
      width="narrow"
      onClose={onClose}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>
            Cancel
          </button>
          <SubmitButton form={form} busy={busy}>
            Rotate key
          </SubmitButton>
        </>
      }
    >
      <form id={form} onSubmit={submit} class="grid grid-cols-1 gap-4">
        <fieldset class="grid grid-cols-1 gap-2">
          <legend class="mb-2 text-sm font-medium">When shall the old secret stop working?</legend>
          {GRACES.map(([seconds, title, why]) => (
            <label
              key={seconds}
              class="flex cursor-pointer items-start gap-3 rounded-field border border-base-300 px-3 py-2.5 text-sm has-checked:border-primary has-checked:bg-primary/5"
            >
              <input
                type="radio"
                name="grace"
                class="radio radio-sm radio-primary mt-0.5"
                checked={grace === seconds}
                onChange={() => setGrace(seconds)}
              />
              <span>
                <span class="font-medium">{title}</span>
                <span class="muted block text-xs">{why}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <FormError message={problem} />
      </form>
    </Dialog>
  );
}
