import { type Column, DataTable } from '../../components/ui/DataTable';
import { EmptyState } from '../../components/ui/EmptyState';
import { Icon } from '../../components/ui/Icon';
import { Money } from '../../components/ui/Money';
import { Badge, type Tone } from '../../components/ui/StatusBadge';
import type { Resource } from '../../lib/api/useResource';
import { integer, UNKNOWN } from '../../lib/format';
import { isZero, percentOf, usd } from '../../lib/money';
import { clockOf, type Live, OLD_S } from './live';

type Props = { live: Resource<Live[]>; since: number; onStop: (request: Live) => void };

const PHASES: Record<NonNullable<Live['phase']>, [Tone, string, string]> = {
  waiting: ['quiet', 'Waiting', 'It passes the steps, or its provider has not begun to answer.'],
  answering: ['info', 'Answering', 'The provider answers.'],
  settling: ['good', 'Settling', 'It has ended; what it cost is being found out and written.'],
};

export function LiveTable({ live, since, onStop }: Props) {
  return (
    <DataTable
      what="requests at work"
      columns={columns(since)}
      rows={live.data}
      list={live}
      keyOf={(row) => row.id}
      actions={(row) => (
        <button
          type="button"
          class="btn btn-sm max-sm:h-11"
          aria-label={`Stop ${row.id}`}
          disabled={row.phase === 'settling'}
          onClick={() => onStop(row)}
        >
          <Icon name="stop" size={13} />
          Stop
        </button>
      )}
      empty={
        <EmptyState icon="live" title="Nothing at work">
          Requests appear here while they are answered, oldest first. This page looks again every second.
        </EmptyState>
      }
    />
  );
}

const columns = (since: number): Column<Live>[] => [
  {
    header: 'Request',
    card: 'title',
    cell: (row) => (
      <div class="min-w-0 max-w-72">
        <div class="truncate font-medium">{row.key_name ?? 'a key that is gone'}</div>
        <div class="muted truncate text-xs">
          {row.model}
          {row.provider && ` at ${row.provider}`}
          {row.stream === true && ', stream'}
        </div>
      </div>
    ),
  },
  { header: 'Age', end: true, cell: (row) => <Age seconds={row.age_s + since} /> },
  { header: 'Phase', cell: (row) => <Phase of={row} /> },
  {
    header: 'Tokens so far',
    end: true,
    cell: (row) => <Estimate known={row.tokens_estimate !== null}>{integer(row.tokens_estimate)}</Estimate>,
  },
  { header: 'Burn of what is reserved', card: 'block', width: 'w-56', cell: (row) => <Burn of={row} /> },
];

function Age({ seconds }: { seconds: number }) {
  const old = seconds >= OLD_S;
  return (
    <span
      class={`num inline-flex items-center gap-1 ${old ? 'rounded-selector bg-warning/20 px-1.5 font-medium text-warning-content dark:bg-warning/15 dark:text-warning' : ''}`}
      title={old ? `At work for more than ${OLD_S} s` : undefined}
    >
      {old && <Icon name="clock" size={12} />}
      {clockOf(seconds)}
    </span>
  );
}

function Phase({ of: { phase, here } }: { of: Live }) {
  if (phase === null)
    return (
      <Badge
        tone="quiet"
        title={here ? undefined : 'How far it has come is known only to the worker that has it.'}
      >
        {here ? UNKNOWN : 'Other worker'}
      </Badge>
    );
  const [tone, word, why] = PHASES[phase];
  return (
    <Badge tone={tone} title={why}>
      {word}
    </Badge>
  );
}

function Estimate({ known, children }: { known: boolean; children: preact.ComponentChildren }) {
  return (
    <span title={known ? 'An estimate' : undefined}>
      {known && <span class="muted">≈ </span>}
      {children}
    </span>
  );
}

function Burn({ of: row }: { of: Live }) {
  const { cost_estimate_usd: cost, reserved_usd: reserved } = row;
  const used = cost !== null && reserved !== null && !isZero(reserved) ? percentOf(cost, reserved) : 0;
  return (
    <div class="min-w-0">
      <div class="num flex justify-between gap-3 text-sm">
        <Estimate known={cost !== null}>
          <Money usd={cost} />
        </Estimate>
        <span class="muted">
          of <Money usd={reserved} />
        </span>
      </div>
      <div
        class="mt-1.5 flex h-1.5 overflow-hidden rounded-full bg-base-300"
        role="meter"
        aria-label={`Cost so far of ${row.id}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, Math.round(used))}
        aria-valuetext={`${cost === null ? 'unknown' : `about ${usd(cost)}`} of ${reserved === null ? 'unknown' : usd(reserved)}`}
      >
        <div
          class="h-full bg-primary"
          style={{ width: `${Math.min(100, used > 0 ? Math.max(used, 0.8) : 0)}%` }}
        />
        {reserved !== null && !isZero(reserved) && <div class="reserved-part h-full flex-1" />}
      </div>
    </div>
  );
}
