import { Icon } from '../../components/ui/Icon';
import { ThemeSwitch } from '../../components/ui/ThemeSwitch';
import { toast } from '../../components/ui/Toasts';
import { messageOf } from '../../lib/api/client';
import { signOut } from '../login/signIn';

/** The foot of the sidebar. */
export default function AccountBar() {
  return (
    <div class="flex items-center justify-between">
      <button
        type="button"
        class="btn btn-ghost btn-sm font-normal max-lg:h-11"
        onClick={() => signOut().catch((failure) => toast(messageOf(failure), 'bad'))}
      >
        <Icon name="leave" />
        Sign out
      </button>
      <ThemeSwitch />
    </div>
  );
}
