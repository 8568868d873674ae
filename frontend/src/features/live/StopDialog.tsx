import { ConfirmDialog } from '../../components/ui/ConfirmDialog';
import { Facts } from '../../components/ui/Facts';
import { Money } from '../../components/ui/Money';
import { toast } from '../../components/ui/Toasts';
import { ApiError } from '../../lib/api/client';
import { type Live, stopRequest } from './live';

type Props = { of: Live; onStopped: () => void; onClose: () => void };

/** Asks before a request that someone waits for is ended. */
export function StopDialog({ of, onStopped, onClose }: Props) {
  const stop = async () => {
    try {
      const { stopped } = await stopRequest(of.id);
      toast(stopped === true ? 'The request is stopped.' : 'The worker that has it was told to stop it.');
    } catch (failure) {
      // While one was asked it may have ended by itself.
      const ended = failure instanceof ApiError && (failure.status === 404 || failure.status === 409);
      if (!ended) throw failure;
      toast('The request had ended already.');
    }
    onStopped();
  };
  return (
    <ConfirmDialog title="Stop this request?" act="Stop request" danger onConfirm={stop} onClose={onClose}>
      <div class="grid grid-cols-1 gap-4">
        <p>
          Its client is told that an administrator stopped it. It is charged for what is known of it, never
          for more than <Money usd={of.reserved_usd} />.
        </p>
        <Facts
          facts={[
            ['Key', of.key_name ?? of.key],
            ['Model', of.provider ? `${of.model} at ${of.provider}` : of.model],
            ['Request', <code key="id">{of.id}</code>],
          ]}
        />
      </div>
    </ConfirmDialog>
  );
}
