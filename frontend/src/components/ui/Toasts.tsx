import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './Icon';

type Toast = { id: number; tone: 'good' | 'bad'; text: string };

const SHOWN_MS = 5000;
const toasts = signal<Toast[]>([]);
let last = 0;

/** Says that something was done, or was not. What failed stays until it is closed. */
export function toast(text: string, tone: Toast['tone'] = 'good'): void {
  last += 1;
  const id = last;
  toasts.value = [...toasts.value.slice(-3), { id, tone, text }];
  if (tone === 'good') setTimeout(() => close(id), SHOWN_MS);
}

const close = (id: number) => {
  toasts.value = toasts.value.filter((shown) => shown.id !== id);
};

export function Toasts() {
  const box = useRef<HTMLDivElement>(null);
  const shown = toasts.value;
  useEffect(() => {
    // What is shown last lies on top: also of a dialog that is open.
    box.current?.hidePopover();
    if (shown.length) box.current?.showPopover();
  }, [shown]);
  return (
    <div
      ref={box}
      popover="manual"
      class="pointer-events-none inset-x-4 top-4 bottom-auto m-0 w-auto justify-items-center gap-2 bg-transparent text-base-content open:grid"
      role="status"
      aria-live="polite"
    >
      {shown.map(({ id, tone, text }) => (
        <div
          key={id}
          class="pointer-events-auto flex max-w-md items-center gap-2.5 rounded-box border border-base-300 bg-base-100 py-2 pr-2 pl-3.5 text-sm shadow-lg"
        >
          <Icon
            name={tone === 'good' ? 'check' : 'error'}
            class={tone === 'good' ? 'text-success' : 'text-error'}
          />
          <span class="min-w-0 wrap-anywhere">{text}</span>
          <button
            type="button"
            class="btn btn-ghost btn-xs btn-square"
            aria-label="Dismiss"
            onClick={() => close(id)}
          >
            <Icon name="close" size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
