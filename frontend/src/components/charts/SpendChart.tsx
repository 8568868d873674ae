import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { api, ok } from '../../lib/api/client';
import type { operations } from '../../lib/api/schema';
import { useResource } from '../../lib/api/useResource';
import { addUsd, isZero } from '../../lib/money';
import { type Span, timeInShort, timeInWords, timesIn, type Unit } from '../../lib/range';
import { Card } from '../ui/Card';
import { EmptyState } from '../ui/EmptyState';
import { ErrorState, StaleNote } from '../ui/ErrorState';
import { Money } from '../ui/Money';
import { Skeleton } from '../ui/Skeleton';
import { StackedBars } from './StackedBars';
import { PARTS_MAX, stacked } from './series';

type Query = NonNullable<operations['show_usage']['parameters']['query']>;
type Props = {
  title: string;
  unit: Unit;
  stack: 'key' | 'model' | 'provider';
  span: Span;
  of?: Pick<Query, 'key' | 'model' | 'provider'>;
  pollMs: number;
  actions?: ComponentChildren;
};

const TIMES_MAX = 1000;
/** From here on the hours below the bars would be those of several days. */
const HOURS_OF_ONE_DAY = 48;

/** What was spent over time, stacked by what or by whom it was spent. */
export function SpendChart({ title, unit, stack, span, of = {}, pollMs, actions }: Props) {
  const query: Query = { by: unit, split: stack, top: PARTS_MAX, limit: TIMES_MAX, ...of, ...span };
  const usage = useResource(
    JSON.stringify(query),
    (signal) => ok(api.GET('/api/usage', { params: { query }, signal })),
    { pollMs },
  );
  const { data, error } = usage;
  const times = timesIn(span, unit, new Date());
  const drawn = useMemo(() => stacked(data?.data ?? [], times), [data, times.join()]);
  const spent = data === null ? null : addUsd(...data.data.map((row) => row.cost_usd));
  const isLong = unit === 'hour' && times.length > HOURS_OF_ONE_DAY;
  return (
    <Card title={title} note={spent !== null && <Money usd={spent} />} actions={actions}>
      {data === null ? (
        error ? (
          <ErrorState error={error} what="the usage" onRetry={usage.reload} />
        ) : (
          <Skeleton class="h-[252px] w-full" />
        )
      ) : (
        <>
          {error && <StaleNote error={error} loadedAt={usage.loadedAt} onRetry={usage.reload} />}
          {spent === null || isZero(spent) ? (
            <EmptyState icon="usage" title="Nothing was spent in this time" />
          ) : (
            <StackedBars
              title={`${title}, by ${unit}`}
              rows={drawn.bars}
              series={drawn.series}
              label={(time) => timeInShort(time, isLong)}
              inWords={timeInWords}
            />
          )}
        </>
      )}
    </Card>
  );
}
