import { useState } from 'preact/hooks';
import { ConfirmDialog } from '../../components/ui/ConfirmDialog';
import { CopyField } from '../../components/ui/CopyField';
import { Dialog } from '../../components/ui/Dialog';
import { Icon } from '../../components/ui/Icon';
import { api, ok } from '../../lib/api/client';

/** Asks before everybody else is signed out. */
export function RotateTokenDialog({
  onRotated,
  onClose,
}: {
  onRotated: (token: string) => void;
  onClose: () => void;
}) {
  return (
    <ConfirmDialog
      title="Rotate the admin token?"
      act="Rotate token"
      danger
      onConfirm={async () => onRotated((await ok(api.POST('/api/admin-token/rotate'))).token)}
      onClose={onClose}
    >
      <p>
        The old token stops working in every worker at once, for scripts too, and every other browser is
        signed out. You stay signed in here. Keys of applications are not touched.
      </p>
    </ConfirmDialog>
  );
}

/** Shows the token, this once. It closes only by the one button, after a copy or a word that it is kept. */
export function TokenDialog({ token, onClose }: { token: string; onClose: () => void }) {
  const [kept, setKept] = useState(false);
  return (
    <Dialog
      title="The new admin token"
      dismissable={false}
      onClose={onClose}
      footer={
        <>
          <label class="flex flex-1 items-center gap-2 text-sm max-sm:min-h-11 max-sm:basis-full">
            <input
              type="checkbox"
              class="checkbox checkbox-sm"
              checked={kept}
              onChange={(event) => setKept(event.currentTarget.checked)}
            />
            I have saved it
          </label>
          <button type="button" class="btn btn-primary" disabled={!kept} onClick={onClose}>
            Done
          </button>
        </>
      }
    >
      <CopyField value={token} label="The token" onCopied={() => setKept(true)} />
      <p class="mt-3 flex items-start gap-2 text-sm">
        <Icon name="warning" class="mt-0.5 text-warning-content dark:text-warning" />
        <span>
          <strong class="font-semibold">It is shown this once.</strong> Only its hash is stored, so nobody can
          show it again. Who loses it sets <code>POUCH_ADMIN_TOKEN</code> where the gateway runs.
        </span>
      </p>
    </Dialog>
  );
}
