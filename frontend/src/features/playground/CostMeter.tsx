import { Money } from '../../components/ui/Money';
import { Badge } from '../../components/ui/StatusBadge';
import { integer } from '../../lib/format';
import { isZero, percentOf, subtractUsd, usd } from '../../lib/money';
import { evidence } from '../requests/words';
import { costSoFar, outputTokens, type Sent } from './cost';
import { isOver, type Run } from './run';
import type { Settlement } from './useRun';

type Props = { run: Run; settlement: Settlement; sent: Sent };

/** What the answer costs of what is reserved for it: an estimate while it comes, the truth at its end. */
export function CostMeter({ run, settlement, sent }: Props) {
  const row = settlement !== null && typeof settlement === 'object' ? settlement : null;
  const settled = run.costUsd ?? row?.cost_usd ?? null;
  const reserved = run.reservedUsd ?? row?.reserved_usd ?? null;
  const shown = settled ?? (isOver(run) ? null : costSoFar(run, sent));
  const used = shown !== null && reserved !== null && !isZero(reserved) ? percentOf(shown, reserved) : 0;
  return (
    <div class="grid grid-cols-1 gap-3">
      <dl class="grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-4">
        <Figure name={settled === null && !isOver(run) ? 'Cost so far' : 'Cost'}>
          {settled === null && shown !== null && <span class="muted">≈ </span>}
          <Money usd={shown} />
        </Figure>
        <Figure name="Reserved">
          <Money usd={reserved} />
        </Figure>
        <Figure name="Given back">
          <Money usd={settled !== null && reserved !== null ? givenBack(reserved, settled) : null} />
        </Figure>
        <Figure name="Tokens in, out">
          {integer(run.usage?.input ?? row?.usage?.input_tokens)} <span class="muted">/</span>{' '}
          {tokensOut(run, row?.usage?.output_tokens ?? null)}
        </Figure>
      </dl>
      <div
        class="flex h-1.5 overflow-hidden rounded-full bg-base-300"
        role="meter"
        aria-label="Cost of what is reserved"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, Math.round(used))}
        aria-valuetext={`${shown === null ? 'unknown' : usd(shown)} of ${reserved === null ? 'unknown' : usd(reserved)}`}
      >
        <div
          class="h-full bg-primary"
          style={{ width: `${Math.min(100, Math.max(used, used > 0 ? 0.8 : 0))}%` }}
        />
        {!isOver(run) && reserved !== null && <div class="reserved-part h-full flex-1" />}
      </div>
      <p class="muted min-h-5 text-sm" role="status">
        <Fate run={run} settlement={settlement} settled={settled} />
      </p>
    </div>
  );
}

const givenBack = (reserved: string, settled: string): string => {
  const back = subtractUsd(reserved, settled);
  return back.startsWith('-') ? '0' : back;
};

function tokensOut(run: Run, logged: number | null): string {
  if (run.usage ?? logged) return integer(run.usage?.output ?? logged);
  return run.phase === 'answering' ? `≈ ${integer(outputTokens(run))}` : integer(null);
}

function Fate({ run, settlement, settled }: Pick<Props, 'run' | 'settlement'> & { settled: string | null }) {
  if (!isOver(run)) return 'The cost so far is an estimate; what it does cost comes with the end.';
  if (settlement === 'pending') return 'What it cost is being settled …';
  if (settlement === 'unknown') {
    return (
      <>
        It is not settled yet.{' '}
        <a class="link" href="/requests">
          Requests
        </a>{' '}
        shows what it cost once it is.
      </>
    );
  }
  if (settled === null) return 'Nothing was sent, so nothing is charged.';
  if (settlement === null) return 'Settled.';
  const { tone, word, why } = evidence(settlement.evidence);
  return (
    <span class="inline-flex flex-wrap items-center gap-x-2 gap-y-1">
      Settled. <Badge tone={tone}>{word}</Badge> <span>{why}</span>
    </span>
  );
}

function Figure({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div class="min-w-0">
      <dt class="muted text-xs">{name}</dt>
      <dd class="num text-base font-semibold">{children}</dd>
    </div>
  );
}
