import { useEffect, useState } from 'preact/hooks';
import { Card } from '../../components/ui/Card';
import { CodeBlock } from '../../components/ui/Code';
import { CopyButton } from '../../components/ui/CopyField';
import { EmptyState } from '../../components/ui/EmptyState';
import { Icon } from '../../components/ui/Icon';
import { Badge, type Tone } from '../../components/ui/StatusBadge';
import { duration } from '../../lib/format';
import { CostMeter } from './CostMeter';
import type { Sent } from './cost';
import { isOver, type Run } from './run';
import type { Settlement } from './useRun';

type Props = {
  run: Run | null;
  settlement: Settlement;
  sent: Sent;
  onReply: () => void;
};

const PHASES: Record<Run['phase'], [Tone, string]> = {
  waiting: ['info', 'Waiting'],
  answering: ['info', 'Answering'],
  whole: ['good', 'Complete'],
  stopped: ['quiet', 'Stopped'],
  broken: ['bad', 'Broke off'],
  refused: ['warning', 'Refused'],
};

/** What came back, and what it cost. */
export function Answer({ run, settlement, sent, onReply }: Props) {
  if (run === null) {
    return (
      <Card title="Answer">
        <EmptyState icon="playground" title="Nothing asked yet">
          The answer comes here as the model writes it, with what it costs of what was reserved.
        </EmptyState>
      </Card>
    );
  }
  const [tone, word] = PHASES[run.phase];
  return (
    <Card
      title="Answer"
      actions={
        <div class="flex items-center gap-3">
          <Elapsed run={run} />
          <span role="status" class="flex">
            <Badge tone={tone}>{word}</Badge>
          </span>
        </div>
      }
    >
      <div class="grid grid-cols-1 gap-5">
        <CostMeter run={run} settlement={settlement} sent={sent} />
        <Said run={run} />
        {run.error && <Trouble run={run} error={run.error} />}
        {isOver(run) && (
          <div class="flex flex-wrap items-center gap-2">
            {run.text && <CopyButton text={run.text} label="Copy answer" />}
            {run.text && (
              <button type="button" class="btn btn-sm max-sm:h-11" onClick={onReply}>
                <Icon name="plus" size={14} />
                Reply
              </button>
            )}
            {run.requestId && (
              <a class="link ml-auto text-sm" href={`/requests?id=${encodeURIComponent(run.requestId)}`}>
                The request’s story
              </a>
            )}
          </div>
        )}
      </div>
    </Card>
  );
}

function Said({ run }: { run: Run }) {
  const nothing = !run.text && !run.reasoning && run.calls.length === 0;
  return (
    <div class="grid grid-cols-1 gap-3 border-t border-base-300 pt-4">
      {run.reasoning && (
        <details class="text-sm" open={!run.text}>
          <summary class="muted cursor-pointer">Reasoning</summary>
          <div class="muted mt-2 max-h-60 overflow-y-auto whitespace-pre-wrap wrap-anywhere" tabIndex={0}>
            {run.reasoning}
          </div>
        </details>
      )}
      {(run.text || !isOver(run)) && (
        <div
          class="max-h-[60vh] min-h-12 overflow-y-auto text-sm leading-relaxed whitespace-pre-wrap wrap-anywhere"
          tabIndex={0}
          role="region"
          aria-label="The model's answer"
          aria-busy={!isOver(run)}
        >
          {run.text}
          {!isOver(run) && (
            <span
              class="ml-0.5 inline-block h-4 w-1.5 translate-y-0.5 animate-pulse bg-primary"
              aria-hidden="true"
            />
          )}
        </div>
      )}
      {run.calls.map((call, place) => (
        <div key={place}>
          <p class="mb-1 text-sm font-medium">Calls {call.name || 'a tool'}</p>
          <CodeBlock code={call.arguments} label={`Arguments of ${call.name}`} />
        </div>
      ))}
      {nothing && isOver(run) && <p class="muted text-sm">{NOTHING[run.phase] ?? 'It said nothing.'}</p>}
      {run.finishReason === 'length' && (
        <p class="muted text-sm">It ends here because its bound of output tokens is reached.</p>
      )}
    </div>
  );
}

const NOTHING: Partial<Record<Run['phase'], string>> = {
  stopped: 'Stopped before the answer began.',
  broken: 'Nothing of the answer reached this page.',
  refused: 'There is no answer.',
};

function Trouble({ run, error }: { run: Run; error: NonNullable<Run['error']> }) {
  const refused = run.phase === 'refused';
  return (
    <div
      class={`flex items-start gap-2.5 rounded-field px-3 py-2.5 text-sm ${refused ? 'bg-warning/10' : 'bg-error/10'}`}
      role="alert"
    >
      <Icon name={refused ? 'warning' : 'error'} class={`mt-0.5 ${refused ? '' : 'text-error'}`} />
      <div class="min-w-0">
        <p class="wrap-anywhere whitespace-pre-wrap">{error.message}</p>
        <p class="muted mt-0.5 text-xs">
          {error.status !== null && `${error.status} `}
          <code>{error.code}</code>
          {run.text && '. What came before is above.'}
        </p>
      </div>
    </div>
  );
}

/** How long it takes, or took, to the first byte and in all. */
function Elapsed({ run }: { run: Run }) {
  const [now, setNow] = useState(performance.now());
  const over = run.endedAt !== null;
  useEffect(() => {
    if (over) return;
    const timer = setInterval(() => setNow(performance.now()), 250);
    return () => clearInterval(timer);
  }, [over]);
  const all = duration((run.endedAt ?? Math.max(now, run.startedAt)) - run.startedAt);
  return (
    <span class="muted num text-sm">
      {all}
      {over && run.firstByteAt !== null && (
        <span class="max-sm:hidden">, first word after {duration(run.firstByteAt - run.startedAt)}</span>
      )}
    </span>
  );
}
