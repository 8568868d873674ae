import { Money } from '../../components/ui/Money';
import { StatTile, StatTiles } from '../../components/ui/StatTile';
import { integer, percent, plural } from '../../lib/format';
import { isZero } from '../../lib/money';
import { timeInShort } from '../../lib/range';
import { errorRate } from '../usage/sums';
import type { Overview } from './overview';

/** From so many of a hundred on, failures are worth a look. */
const RATE_HIGH = 5;

/** The state of things in five numbers. Null is not there yet. */
export function Tiles({ now }: { now: Overview | null }) {
  if (now === null) return <Unknown />;
  const { today, month } = now;
  const rate = errorRate(today);
  return (
    <StatTiles five>
      <StatTile
        label="Spent today"
        value={<Money usd={today.cost_usd} />}
        note={<Refunded amount={today.refunded_usd} otherwise="since midnight UTC" />}
        class="max-lg:col-span-2"
      />
      <StatTile
        label="Spent this month"
        value={<Money usd={month.cost_usd} />}
        note={
          <Refunded
            amount={month.refunded_usd}
            otherwise={`since ${timeInShort(month.since.slice(0, 10))}`}
          />
        }
      />
      <StatTile
        label="Reserved now"
        value={<Money usd={now.reserved_usd} />}
        note={
          now.open_reservations === 0
            ? 'nothing in flight'
            : `for ${plural(now.open_reservations, 'request')}`
        }
      />
      <StatTile
        label="Requests today"
        value={integer(today.requests)}
        note={`${integer(month.requests)} this month`}
      />
      <StatTile
        label="Error rate today"
        value={percent(rate)}
        tone={rate !== null && rate >= RATE_HIGH ? 'warning' : 'plain'}
        note={rate === null ? 'no requests yet' : today.errors === 0 ? 'none failed' : <Failed of={today} />}
      />
    </StatTiles>
  );
}

const Refunded = ({ amount, otherwise }: { amount: string; otherwise: string }) => (
  <span>
    {isZero(amount) ? otherwise : <Money usd={amount} />}
    {!isZero(amount) && ' refunded'}
  </span>
);

const Failed = ({ of }: { of: Overview['today'] }) => (
  <a class="link" href={`/requests?failed=true&from=${of.since.slice(0, 10)}`}>
    {integer(of.errors)} failed
  </a>
);

const Unknown = () => (
  <StatTiles five>
    <StatTile label="Spent today" value={null} class="max-lg:col-span-2" />
    <StatTile label="Spent this month" value={null} />
    <StatTile label="Reserved now" value={null} />
    <StatTile label="Requests today" value={null} />
    <StatTile label="Error rate today" value={null} />
  </StatTiles>
);
