import { useState } from 'preact/hooks';
import { Card } from '../../components/ui/Card';
import { type Column, DataTable } from '../../components/ui/DataTable';
import { EmptyState, NoMatch } from '../../components/ui/EmptyState';
import { SearchInput } from '../../components/ui/Inputs';
import { Money } from '../../components/ui/Money';
import { Badge } from '../../components/ui/StatusBadge';
import type { Resource } from '../../lib/api/useResource';
import { compact } from '../../lib/format';
import { isZero } from '../../lib/money';
import { param, setParams, withParams } from '../../lib/urlState';
import { sourceInWords } from '../requests/words';
import { isPriced, matches, type Price } from './prices';

const SHOWN = 100;

/** Every configured model with what a million of its tokens costs. */
export function PriceList({ prices }: { prices: Resource<Price[]> }) {
  const [count, setCount] = useState(SHOWN);
  const q = param('q') ?? '';
  const found = prices.data?.filter((price) => matches(price, q)) ?? null;
  return (
    <Card
      title="Models"
      note="USD per million tokens"
      flush
      actions={
        <SearchInput
          label="Search models"
          value={q}
          onSearch={(text) => {
            setCount(SHOWN);
            setParams({ q: text });
          }}
        />
      }
    >
      <DataTable
        what="models"
        columns={COLUMNS}
        rows={found?.slice(0, count) ?? null}
        list={{
          ...prices,
          hasMore: (found?.length ?? 0) > count,
          loadMore: () => setCount(count + SHOWN),
        }}
        keyOf={(price) => price.name}
        nameOf={(price) => (price.priced ? `Open ${price.name}` : `${price.name} has no price`)}
        href={(price) => `/providers${withParams({ model: price.name })}`}
        onOpen={(price) => setParams({ model: price.name }, 'push')}
        empty={
          q ? (
            <NoMatch what="models" onClear={() => setParams({ q: null })} />
          ) : (
            <EmptyState icon="providers" title="No models">
              <code>pouch.yaml</code> names none, so every request is answered by 404.
            </EmptyState>
          )
        }
      />
    </Card>
  );
}

const COLUMNS: Column<Price>[] = [
  {
    header: 'Model',
    card: 'title',
    cell: ({ name, provider, model }) => (
      <div class="min-w-0 max-w-72">
        <div class="truncate font-medium">{name}</div>
        <div class="muted truncate text-xs">
          {provider}/{model}
        </div>
      </div>
    ),
  },
  { header: 'Input', end: true, cell: (price) => <Rate of={price} rate="input" /> },
  { header: 'Cached input', end: true, cell: (price) => <Rate of={price} rate="cached_input" /> },
  { header: 'Output', end: true, cell: (price) => <Rate of={price} rate="output" /> },
  {
    header: 'Most output',
    end: true,
    cell: (price) => (
      <span title="Tokens of output, at most">
        {compact(isPriced(price) ? price.max_output_tokens : null)}
      </span>
    ),
  },
  { header: 'Source', cell: (price) => <Source of={price} /> },
];

function Rate({ of, rate }: { of: Price; rate: 'input' | 'cached_input' | 'output' }) {
  const amount = isPriced(of) ? of.rates[rate] : null;
  if (amount !== null && isZero(amount)) return <span class="muted">free</span>;
  return <Money usd={amount} />;
}

function Source({ of }: { of: Price }) {
  if (!isPriced(of)) return <Badge tone="warning">No price</Badge>;
  const tiers = of.tiers.length + Object.keys(of.service_tiers).length;
  return (
    <span class="wrap-anywhere">
      {sourceInWords(of.source)}
      {tiers > 0 && <span class="muted"> +{tiers} more rates</span>}
    </span>
  );
}
