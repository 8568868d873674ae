/** The dialogs of the page, one at a time; whoever opens one sets `asked`. */
import { signal } from '@preact/signals';
import { ConfirmDialog } from '../../components/ui/ConfirmDialog';
import { Money } from '../../components/ui/Money';
import { toast } from '../../components/ui/Toasts';
import { setParams } from '../../lib/urlState';
import { KeyForm } from './KeyForm';
import { changeKey, createKey, type IssuedKey, type Key, type Pouch, resetKey, revokeKey } from './keys';
import { PouchForm } from './PouchForm';
import { RotateDialog } from './RotateDialog';
import { SecretDialog } from './SecretDialog';
import { keyBody, keyDraft, keyPatch, NEW_KEY } from './terms';

export type Asked =
  | { kind: 'create'; pouch?: string }
  | { kind: 'edit' | 'rotate' | 'reset' | 'disable' | 'revoke'; key: Key }
  | { kind: 'secret'; issued: IssuedKey; title: string }
  | { kind: 'pouch'; pouch?: Pouch; parent?: string };

export const asked = signal<Asked | null>(null);

/** Counts what the dialogs have changed, so that whatever shows it can fetch it again. */
export const changes = signal(0);

const close = () => {
  asked.value = null;
};

/** `onChanged` is told when a key or a pouch is no longer what the lists show. */
export function Dialogs({ onChanged }: { onChanged: () => void }) {
  const now = asked.value;
  if (now === null) return null;
  const changed = () => {
    changes.value += 1;
    onChanged();
  };
  const done = (said: string) => {
    close();
    toast(said);
    changed();
  };
  const show = (issued: IssuedKey, title: string) => {
    asked.value = { kind: 'secret', issued, title };
    changed();
  };
  switch (now.kind) {
    case 'create':
      return (
        <KeyForm
          title="Create a key"
          description="Its budget is enforced before a request is sent, not after."
          act="Create key"
          start={{ ...NEW_KEY, pouch: now.pouch ?? '' }}
          onSend={async (draft) => show(await createKey(keyBody(draft)), `“${draft.name.trim()}” is ready`)}
          onClose={close}
        />
      );
    case 'secret':
      return <SecretDialog issued={now.issued} title={now.title} onClose={close} />;
    case 'pouch':
      return <PouchForm pouch={now.pouch} parent={now.parent} onDone={done} onClose={close} />;
    default:
      return <KeyDialog kind={now.kind} of={now.key} done={done} show={show} />;
  }
}

type KeyDialogProps = {
  kind: 'edit' | 'rotate' | 'reset' | 'disable' | 'revoke';
  of: Key;
  done: (said: string) => void;
  show: (issued: IssuedKey, title: string) => void;
};

function KeyDialog({ kind, of, done, show }: KeyDialogProps) {
  switch (kind) {
    case 'edit': {
      const start = keyDraft(of);
      return (
        <KeyForm
          title={`Edit “${of.name}”`}
          description="What is spent stays; new terms hold from the next request on."
          act="Save"
          start={start}
          ownPouch={of.pouch.id}
          onSend={async (draft) => {
            const patch = keyPatch(start, draft);
            if (Object.keys(patch).length) await changeKey(of.id, patch);
            done(`“${draft.name.trim()}” is saved.`);
          }}
          onClose={close}
        />
      );
    }
    case 'rotate':
      return (
        <RotateDialog
          of={of}
          onRotated={(issued) => show(issued, `A new secret for “${of.name}”`)}
          onClose={close}
        />
      );
    case 'reset':
      return (
        <ConfirmDialog
          title={`Reset the budget of “${of.name}”?`}
          act="Reset budget"
          onConfirm={async () => {
            await resetKey(of.id);
            done(`The budget of “${of.name}” starts afresh.`);
          }}
          onClose={close}
        >
          <p>
            The <Money usd={of.pouch.spent_usd} class="font-medium" /> that it has spent count no longer in
            its own pouch. The ledger keeps them, with an entry for the reset. Pouches around it stay as they
            are.
          </p>
        </ConfirmDialog>
      );
    case 'disable':
      return (
        <ConfirmDialog
          title={`Disable “${of.name}”?`}
          act="Disable key"
          onConfirm={async () => {
            await changeKey(of.id, { disabled: true });
            done(`“${of.name}” is disabled.`);
          }}
          onClose={close}
        >
          <p>
            Its requests are refused from now on, those under way finish. You can enable it again at any time.
          </p>
        </ConfirmDialog>
      );
    case 'revoke':
      return (
        <ConfirmDialog
          title={`Revoke “${of.name}”?`}
          act="Revoke key"
          danger
          typed={of.name}
          onConfirm={async () => {
            await revokeKey(of.id);
            setParams({ id: null });
            done(`“${of.name}” is revoked.`);
          }}
          onClose={close}
        >
          <p>
            This ends the key for good: whatever uses it is refused from now on. Its requests and what they
            cost stay in the books.
          </p>
        </ConfirmDialog>
      );
  }
}
