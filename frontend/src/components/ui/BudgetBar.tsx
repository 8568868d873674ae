import { percent } from '../../lib/format';
import { isZero, percentOf, subtractUsd, usd, usdExact } from '../../lib/money';
import { Money } from './Money';
import { Until } from './Time';

export type Balance = {
  limit_usd: string | null;
  spent_usd: string;
  reserved_usd: string;
  resets_at?: string | null;
};

type Props = {
  balance: Balance;
  /** Whose budget it is, for those who cannot see the bar. */
  label: string;
  /** Say below the bar what is reserved and when it resets. */
  detailed?: boolean;
};

/** From so many percent on, a budget is nearly used up. */
const NEAR = 80;

/** Where the two parts of the bar end, in percent of its width. A part that is not zero can be seen. */
export function segments(balance: Balance): { spent: number; reserved: number } {
  if (balance.limit_usd === null) return { spent: 0, reserved: 0 };
  const share = (amount: string) => {
    const exact = percentOf(amount, balance.limit_usd ?? '0');
    return isZero(amount) ? 0 : Math.max(exact, 0.8);
  };
  const spent = Math.min(100, share(balance.spent_usd));
  return { spent, reserved: Math.min(100 - spent, share(balance.reserved_usd)) };
}

/** What a pouch has spent, solid, and what live requests may yet spend of it, hatched, of its limit. */
export function BudgetBar({ balance, label, detailed = false }: Props) {
  const { limit_usd: limit, spent_usd: spent, reserved_usd: reserved } = balance;
  if (limit === null) {
    return (
      <div class="min-w-0 text-sm">
        <Money usd={spent} /> <span class="muted">spent, no limit</span>
        {detailed && <Notes balance={balance} />}
      </div>
    );
  }
  const used = percentOf(spent, limit);
  const widths = segments(balance);
  const tone = used >= 100 ? 'bg-error' : used >= NEAR ? 'bg-warning' : 'bg-primary';
  return (
    <div class="min-w-0">
      <div class="num flex items-baseline justify-between gap-3 text-sm">
        <span class="truncate">
          <Money usd={spent} />
          <span class="muted">
            {' '}
            of <Money usd={limit} />
          </span>
        </span>
        <span class={`text-xs font-medium ${used >= 100 ? 'text-error' : 'muted'}`}>{percent(used)}</span>
      </div>
      <div
        class="mt-1.5 flex h-1.5 overflow-hidden rounded-full bg-base-300"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, Math.round(used))}
        aria-valuetext={`${usd(spent)} of ${usd(limit)} spent, ${usd(reserved)} reserved`}
        title={`${usdExact(spent)} spent, ${usdExact(reserved)} reserved of ${usdExact(limit)}`}
      >
        <div class={`h-full ${tone}`} style={{ width: `${widths.spent}%` }} />
        <div class="reserved-part h-full" style={{ width: `${widths.reserved}%` }} />
      </div>
      {detailed && <Notes balance={balance} />}
    </div>
  );
}

function Notes({ balance }: { balance: Balance }) {
  const { limit_usd: limit, spent_usd: spent, reserved_usd: reserved, resets_at: resets } = balance;
  const parts = [];
  if (!isZero(reserved)) {
    parts.push(
      <span key="reserved">
        <Money usd={reserved} /> reserved
      </span>,
    );
  }
  if (limit !== null) {
    const left = subtractUsd(subtractUsd(limit, spent), reserved);
    parts.push(
      <span key="left">
        <Money usd={left.startsWith('-') ? '0' : left} /> left
      </span>,
    );
  }
  if (resets) {
    parts.push(
      <span key="resets">
        resets <Until at={resets} />
      </span>,
    );
  }
  return <div class="muted num mt-1 flex flex-wrap gap-x-3 text-xs">{parts}</div>;
}
