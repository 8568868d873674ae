import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { CopyField } from './CopyField';
import { Dialog } from './Dialog';
import { Icon } from './Icon';

type Props = {
  title: string;
  description?: string;
  label: string;
  secret: string;
  /** What who loses it can do. */
  lost: ComponentChildren;
  children?: ComponentChildren;
  onClose: () => void;
};

/** Shows a secret, this once. It closes only by the one button, and only after a copy or a word that it is kept. */
export function ShownOnceDialog({ title, description, label, secret, lost, children, onClose }: Props) {
  const [kept, setKept] = useState(false);
  return (
    <Dialog
      title={title}
      description={description}
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
      <div class="grid grid-cols-1 gap-5">
        <div>
          <CopyField value={secret} label={label} onCopied={() => setKept(true)} />
          <p class="mt-3 flex items-start gap-2 text-sm">
            <Icon name="warning" class="mt-0.5 text-warning-content dark:text-warning" />
            <span>
              <strong class="font-semibold">It is shown this once.</strong> Only its hash is stored, so nobody
              can show it again{lost}
            </span>
          </p>
        </div>
        {children}
      </div>
    </Dialog>
  );
}
