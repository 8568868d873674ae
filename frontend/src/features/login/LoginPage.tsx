import { param } from '../../lib/urlState';
import { destination } from './signIn';
import { TokenForm } from './TokenForm';

export default function LoginPage() {
  return (
    <>
      <TokenForm onSignedIn={() => location.replace(destination(param('next'), location.origin))} />
      <details class="muted mt-5 border-t border-base-300 pt-4 text-sm">
        <summary class="cursor-pointer font-medium text-base-content">Where is my admin token?</summary>
        <ul class="mt-2 list-disc space-y-1.5 pl-5">
          <li>The gateway printed it once, to its terminal, when it first started.</li>
          <li>
            If <code>POUCH_ADMIN_TOKEN</code> is set where the gateway runs, it is whatever that says.
          </li>
          <li>
            Lost it? Set <code>POUCH_ADMIN_TOKEN</code> to a new one and start the gateway again.
          </li>
        </ul>
      </details>
    </>
  );
}
