import { useState } from 'preact/hooks';
import { Field, FormError } from '../../components/ui/Field';
import { SubmitButton } from '../../components/ui/SubmitButton';
import { messageOf } from '../../lib/api/client';
import { signIn } from './signIn';

/** Takes the admin token. */
export function TokenForm({ onSignedIn }: { onSignedIn: () => void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token');
    setBusy(true);
    setProblem(null);
    try {
      await signIn(String(token));
      onSignedIn();
    } catch (failure) {
      setProblem(messageOf(failure));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit} class="grid grid-cols-1 gap-4">
      <Field label="Admin token">
        {(ids) => (
          <input
            {...ids}
            name="token"
            type="password"
            class="input w-full font-mono"
            autocomplete="current-password"
            placeholder="pouch-admin-…"
            required
            maxLength={1000}
            autofocus
          />
        )}
      </Field>
      <FormError message={problem} />
      <SubmitButton busy={busy}>Sign in</SubmitButton>
    </form>
  );
}
