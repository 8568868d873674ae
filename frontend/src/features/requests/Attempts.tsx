import { Badge } from '../../components/ui/StatusBadge';
import { clock, moment } from '../../lib/format';
import { isZero, usdExact } from '../../lib/money';
import type { Story } from './requests';

type Attempt = Story['attempts'][number];

const STATES: Record<string, ['good' | 'quiet' | 'info', string]> = {
  settled: ['good', 'Settled'],
  released: ['quiet', 'Released'],
  open: ['info', 'Open'],
};

/** Each reservation with the entries that it left in the books. */
export function Attempts({ attempts }: { attempts: Attempt[] }) {
  if (attempts.length === 0)
    return <p class="muted text-sm">Nothing was reserved, so nothing stands in the ledger.</p>;
  return (
    <ol class="grid grid-cols-1 gap-4">
      {attempts.map((attempt) => (
        <li key={attempt.reservation} class="grid grid-cols-1 gap-2">
          <div class="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
            <State state={attempt.state} />
            <span class="min-w-0 wrap-anywhere">
              {attempt.model} <span class="muted">at {attempt.provider}</span>
            </span>
            <code class="muted text-xs wrap-anywhere">{attempt.reservation}</code>
          </div>
          <Entries attempt={attempt} />
        </li>
      ))}
    </ol>
  );
}

function State({ state }: { state: string }) {
  const [tone, word] = STATES[state] ?? ['quiet', state];
  return <Badge tone={tone}>{word}</Badge>;
}

function Entries({ attempt }: { attempt: Attempt }) {
  return (
    <div
      class="overflow-x-auto rounded-field border border-base-300"
      tabIndex={0}
      role="group"
      aria-label={`Entries of ${attempt.reservation}`}
    >
      <table class="table table-sm [&_thead]:text-xs">
        <thead>
          <tr>
            <th scope="col">Entry</th>
            <th scope="col">Pouch</th>
            <th scope="col" class="text-right">
              Reserved
            </th>
            <th scope="col" class="text-right">
              Spent
            </th>
          </tr>
        </thead>
        <tbody>
          {attempt.entries.map((entry) => (
            <tr key={`${entry.created_at} ${entry.kind} ${entry.pouch}`}>
              <td class="whitespace-nowrap">
                {entry.kind}
                <time
                  class="muted num block text-xs"
                  dateTime={entry.created_at}
                  title={moment(entry.created_at)}
                >
                  {clock(entry.created_at)}
                </time>
              </td>
              <td class="max-w-40 truncate" title={entry.pouch_name}>
                {entry.pouch_name}
              </td>
              <td class="num text-right whitespace-nowrap">{signed(entry.reserved_usd)}</td>
              <td class="num text-right whitespace-nowrap">{signed(entry.spent_usd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A movement: `+$0.01`, `−$0.01`. One of nothing is left blank, so that the others stand out. */
function signed(amount: string): string {
  if (isZero(amount)) return '';
  return amount.startsWith('-') ? usdExact(amount) : `+${usdExact(amount)}`;
}
