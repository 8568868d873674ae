import { Dialog } from '../../components/ui/Dialog';
import { Toasts, toast } from '../../components/ui/Toasts';
import { sessionEnded } from '../../lib/api/client';
import { TokenForm } from '../login/TokenForm';

/** What every page has above it: messages, and the token asked for again when the session has ended. */
export default function Shell() {
  return (
    <>
      <Toasts />
      {sessionEnded.value && (
        <Dialog
          title="Your session has ended"
          description="Sign in again; what you were doing is still here."
          width="narrow"
          dismissable={false}
          onClose={() => undefined}
        >
          <TokenForm
            onSignedIn={() => {
              sessionEnded.value = false;
              toast('Signed in again.');
              // Pages that poll or hold a failed list fetch again when the page is said to be in view.
              document.dispatchEvent(new Event('visibilitychange'));
            }}
          />
        </Dialog>
      )}
    </>
  );
}
