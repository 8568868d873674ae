import { Facts } from '../../components/ui/Facts';
import { Icon } from '../../components/ui/Icon';
import { Money } from '../../components/ui/Money';
import { Ago } from '../../components/ui/Time';
import { useResource } from '../../lib/api/useResource';
import { integer } from '../../lib/format';
import { percentOf, usdExact } from '../../lib/money';
import { EvidenceBadge } from './cells';
import { allPrices, type Price, type Story } from './requests';
import { type CostLine, costLines, settlement } from './story';
import { evidence, sourceInWords } from './words';

/** What was set aside, what was charged, by which price, and what was given back. */
export function MoneyStory({ story }: { story: Story }) {
  const { reserved, cost, givenBack, over, refunded } = settlement(story);
  return (
    <div class="grid grid-cols-1 gap-4">
      <dl class="grid grid-cols-3 gap-3">
        <Figure name="Reserved" amount={reserved} unknown="nothing" />
        <Figure name="Charged" amount={cost} strong />
        {over === null ? (
          <Figure
            name="Given back"
            amount={reserved === null ? null : (givenBack ?? '0')}
            unknown="nothing"
          />
        ) : (
          <Figure name="Over the bound" amount={over} bad />
        )}
      </dl>
      {reserved !== null && over === null && (
        <div
          class="flex h-2 overflow-hidden rounded-full bg-base-300"
          role="img"
          aria-label={`${usdExact(cost)} of ${usdExact(reserved)} that were reserved were charged`}
        >
          <div class="h-full bg-primary" style={{ width: `${percentOf(cost, reserved)}%` }} />
          <div class="reserved-part h-full flex-1" />
        </div>
      )}
      <p class="flex flex-wrap items-baseline gap-x-2 gap-y-1 text-sm">
        <EvidenceBadge code={story.evidence} />
        <span class="min-w-0 flex-1 basis-60">{evidence(story.evidence).why}</span>
      </p>
      <PriceStory story={story} />
      {refunded !== null && (
        <div class="rounded-field bg-info/10 px-3 py-2.5 text-sm">
          <p class="flex items-center gap-2 font-medium">
            <Icon name="undo" class="text-info" />
            <span>
              <Money usd={refunded} /> of it refunded
            </span>
          </p>
          <ul class="mt-1.5 grid grid-cols-1 gap-1">
            {story.refunds.map((refund) => (
              <li key={refund.created_at} class="flex flex-wrap gap-x-3">
                <Money usd={refund.amount_usd} />
                <span class="min-w-0 flex-1 wrap-anywhere">{refund.reason}</span>
                <span class="muted">
                  <Ago at={refund.created_at} />
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

type FigureProps = { name: string; amount: string | null; unknown?: string; strong?: boolean; bad?: boolean };

const Figure = ({ name, amount, unknown, strong = false, bad = false }: FigureProps) => (
  <div class="min-w-0">
    <dt class="muted text-xs">{name}</dt>
    <dd
      class={`num truncate text-lg tracking-tight ${strong ? 'font-semibold' : ''} ${bad ? 'text-error' : ''}`}
    >
      {amount === null ? <span class="muted text-sm">{unknown}</span> : <Money usd={amount} />}
    </dd>
  </div>
);

/** The price as the request recorded it, and the sum by it where that is what was charged. */
function PriceStory({ story }: { story: Story }) {
  const prices = useResource('prices', allPrices);
  const priced = (prices.data?.data ?? []).filter((price): price is Price => price.priced);
  const lines = costLines(story, priced);
  return (
    <div class="grid grid-cols-1 gap-2">
      <Facts
        facts={[
          ['Price from', story.price_source ? sourceInWords(story.price_source) : 'no price'],
          ...(story.usage && !lines ? ([['Tokens', tokens(story.usage)]] as [string, string][]) : []),
        ]}
      />
      {lines && <CostTable lines={lines} cost={story.cost_usd} />}
    </div>
  );
}

function tokens(usage: NonNullable<Story['usage']>): string {
  const parts = [`${integer(usage.input_tokens)} in`];
  if (usage.cached_input_tokens) parts.push(`${integer(usage.cached_input_tokens)} of them cached`);
  parts.push(`${integer(usage.output_tokens)} out`);
  if (usage.reasoning_tokens) parts.push(`${integer(usage.reasoning_tokens)} of them reasoning`);
  return parts.join(', ');
}

const CostTable = ({ lines, cost }: { lines: CostLine[]; cost: string }) => (
  <div
    class="overflow-x-auto rounded-field border border-base-300"
    tabIndex={0}
    role="group"
    aria-label="Cost"
  >
    <table class="table table-sm [&_thead]:text-xs">
      <thead>
        <tr>
          <th scope="col">Cost</th>
          <th scope="col" class="text-right">
            Tokens
          </th>
          <th scope="col" class="text-right">
            Per million
          </th>
          <th scope="col" class="text-right">
            USD
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.what}>
            <th scope="row" class="font-normal">
              {line.what}
            </th>
            <td class="num text-right">{integer(line.tokens)}</td>
            <td class="num text-right">{usdExact(line.rate)}</td>
            <td class="num text-right">{usdExact(line.cost)}</td>
          </tr>
        ))}
        <tr class="font-medium">
          <th scope="row" colSpan={3} class="font-medium">
            Charged
          </th>
          <td class="num text-right">{usdExact(cost)}</td>
        </tr>
      </tbody>
    </table>
  </div>
);
