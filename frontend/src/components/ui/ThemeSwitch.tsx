import { setTheme, shownTheme } from '../../lib/theme';
import { Icon } from './Icon';

export function ThemeSwitch() {
  const dark = shownTheme() === 'dark';
  return (
    <button
      type="button"
      class="btn btn-ghost btn-sm btn-square max-lg:size-11"
      aria-label={dark ? 'Switch to light theme' : 'Switch to dark theme'}
      onClick={() => setTheme(dark ? 'light' : 'dark')}
    >
      <Icon name={dark ? 'sun' : 'moon'} />
    </button>
  );
}
