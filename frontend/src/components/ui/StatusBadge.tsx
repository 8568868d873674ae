import type { ComponentChildren } from 'preact';

export type Tone = 'good' | 'warning' | 'bad' | 'quiet' | 'info';

const TONES: Record<Tone, string> = {
  good: 'bg-success/10 text-success',
  warning: 'bg-warning/20 text-warning-content dark:bg-warning/15 dark:text-warning',
  bad: 'bg-error/10 text-error',
  info: 'bg-info/10 text-info',
  quiet: 'bg-base-content/8 text-base-content/80',
};

/** A state, as a word and a colour. */
export function Badge({
  tone,
  children,
  title,
}: {
  tone: Tone;
  children: ComponentChildren;
  title?: string;
}) {
  return (
    <span
      class={`inline-flex items-center rounded-selector px-1.5 py-0.5 text-xs font-medium whitespace-nowrap ${TONES[tone]}`}
      title={title}
    >
      {children}
    </span>
  );
}

const KEY_STATES: Record<string, [Tone, string]> = {
  active: ['good', 'Active'],
  capped: ['bad', 'Budget reached'],
  disabled: ['quiet', 'Disabled'],
  expired: ['warning', 'Expired'],
  frozen: ['info', 'Frozen'],
};

/** A key's state; one that a newer server has invented is shown as it is spelled. */
export function StatusBadge({ status }: { status: string }) {
  const [tone, word] = KEY_STATES[status] ?? ['quiet', status];
  return <Badge tone={tone}>{word}</Badge>;
}

/** An HTTP status. */
export function HttpStatus({ status }: { status: number }) {
  const tone = status === 499 ? 'quiet' : status >= 500 ? 'bad' : status >= 400 ? 'warning' : 'good';
  return <Badge tone={tone}>{status}</Badge>;
}
