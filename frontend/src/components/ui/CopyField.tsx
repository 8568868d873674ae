import { useEffect, useState } from 'preact/hooks';
import { copyText } from '../../lib/clipboard';
import { Icon } from './Icon';

type ButtonProps = { text: string; label?: string; primary?: boolean; onCopied?: () => void };

/** Copies, and says whether it did. */
export function CopyButton({ text, label = 'Copy', primary = false, onCopied }: ButtonProps) {
  const [outcome, setOutcome] = useState<boolean | null>(null);
  useEffect(() => {
    if (outcome === null) return;
    const timer = setTimeout(() => setOutcome(null), 2500);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => {
    const copied = await copyText(text);
    setOutcome(copied);
    if (copied) onCopied?.();
  };
  return (
    <button type="button" class={primary ? 'btn btn-primary' : 'btn btn-sm max-sm:h-11'} onClick={copy}>
      <Icon name={outcome ? 'check' : 'copy'} size={primary ? 16 : 14} />
      <span aria-live="polite">{outcome === null ? label : outcome ? 'Copied' : 'Select it, and copy'}</span>
    </button>
  );
}

type FieldProps = { value: string; label: string; onCopied?: () => void };

/** Something to be copied whole: it is selected at a touch. */
export function CopyField({ value, label, onCopied }: FieldProps) {
  return (
    <div class="flex gap-2 max-sm:flex-col">
      <input
        readOnly
        aria-label={label}
        class="input w-full min-w-0 flex-1 font-mono text-sm max-sm:flex-none"
        value={value}
        onFocus={(event) => event.currentTarget.select()}
      />
      <CopyButton text={value} primary onCopied={onCopied} />
    </div>
  );
}
