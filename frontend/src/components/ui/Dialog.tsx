import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useUniqueId } from '../../lib/useUniqueId';
import { Icon } from './Icon';

type Props = {
  title: string;
  description?: ComponentChildren;
  onClose: () => void;
  /** False: neither Escape nor a click beside it nor the phone's back gesture closes it. */
  dismissable?: boolean;
  /** `sheet` slides in at the right and is for looking; `dialog` is for deciding. */
  kind?: 'dialog' | 'sheet';
  width?: 'narrow' | 'medium' | 'wide';
  children: ComponentChildren;
  /** The buttons. They stay in sight while the rest scrolls. */
  footer?: ComponentChildren;
};

const WIDTHS = { narrow: 'sm:max-w-md', medium: 'sm:max-w-xl', wide: 'sm:max-w-3xl' };

/** A modal dialog that is open for as long as it is rendered. Render it only while it is wanted. */
export function Dialog(props: Props) {
  const { title, description, onClose, dismissable = true, kind = 'dialog', width = 'medium' } = props;
  const element = useRef<HTMLDialogElement>(null);
  const id = useUniqueId();
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);

  const keyDown = (event: KeyboardEvent) => {
    // A menu that is open in the dialog is what Escape closes first.
    if (event.key !== 'Escape' || element.current?.querySelector('[popover=auto]:popover-open')) return;
    // A browser closes at the second Escape whatever `cancel` says, but not past this.
    event.preventDefault();
    event.stopPropagation();
    if (dismissable) onClose();
  };
  const closed = () => {
    const dialog = element.current;
    // Closed because it is no longer rendered.
    if (!dialog) return;
    if (dismissable) onClose();
    else dialog.showModal();
  };
  return (
    <dialog
      ref={element}
      class={kind}
      aria-labelledby={id}
      {...{ closedby: dismissable ? 'closerequest' : 'none' }}
      onKeyDown={keyDown}
      onCancel={(event) => {
        event.preventDefault();
        if (dismissable) onClose();
      }}
      onClose={closed}
      onMouseDown={(event) => {
        if (dismissable && event.target === element.current) onClose();
      }}
    >
      <div class={kind === 'sheet' ? 'sheet-box' : `dialog-box ${WIDTHS[width]}`}>
        <div class="flex items-start gap-3 border-b border-base-300 px-5 py-4">
          <div class="min-w-0 flex-1">
            <h2 id={id} class="text-base font-semibold wrap-anywhere">
              {title}
            </h2>
            {description && <div class="muted mt-0.5 text-sm">{description}</div>}
          </div>
          {dismissable && (
            <button
              type="button"
              class="btn btn-ghost btn-sm btn-square -mr-2 -mt-1 max-sm:size-11"
              aria-label="Close"
              onClick={onClose}
            >
              <Icon name="close" size={18} />
            </button>
          )}
        </div>
        <div class="min-h-0 flex-1 overflow-y-auto px-5 py-4" tabIndex={0} role="group" aria-labelledby={id}>
          {props.children}
        </div>
        {props.footer && (
          <div class="flex flex-wrap items-center justify-end gap-2 border-t border-base-300 px-5 py-3 max-sm:*:flex-1">
            {props.footer}
          </div>
        )}
      </div>
    </dialog>
  );
}
