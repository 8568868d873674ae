import { ConfirmDialog } from '../../components/ui/ConfirmDialog';
import { ShownOnceDialog } from '../../components/ui/ShownOnceDialog';
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

/** Shows the token, this once. */
export function TokenDialog({ token, onClose }: { token: string; onClose: () => void }) {
  return (
    <ShownOnceDialog
      title="The new admin token"
      label="The token"
      secret={token}
      lost={
        <>
          . Who loses it sets <code>POUCH_ADMIN_TOKEN</code> where the gateway runs.
        </>
      }
      onClose={onClose}
    />
  );
}
