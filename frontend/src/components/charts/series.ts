import type { Schemas } from '../../lib/api/client';
import { addUsd, isZero, nanos } from '../../lib/money';
import type { Bar, Series } from './StackedBars';

type Row = Pick<Schemas['UsageTotal'], 'by' | 'split' | 'split_name' | 'cost_usd'>;

/** So many parts have a colour of their own; all else is one grey part. */
export const PARTS_MAX = 5;
const REST = 'rest';

/**
 * What each of `times` cost, stacked by the parts that the API split it into, the dearest at the
 * bottom; what is free has no part. A time without a row cost nothing: the sums hold every request.
 */
export function stacked(rows: Row[], times: string[], whole = 'Spent'): { bars: Bar[]; series: Series[] } {
  const bars = new Map(times.map((x) => [x, { x, values: {} } as Bar]));
  const parts = new Map<string, { label: string; cost: string }>();
  const isSplit = rows.some((row) => row.split !== null);
  for (const row of rows) {
    // Ids and names are others' words, and may be "rest".
    const key = row.split === null ? REST : `=${row.split}`;
    const label = row.split === null ? (isSplit ? 'Everything else' : whole) : (row.split_name ?? row.split);
    const bar = bars.get(row.by);
    if (bar) bar.values[key] = addUsd(bar.values[key] ?? '0', row.cost_usd);
    parts.set(key, { label, cost: addUsd(parts.get(key)?.cost ?? '0', row.cost_usd) });
  }
  const ranked = [...parts]
    .filter(([key, { cost }]) => key !== REST && !isZero(cost))
    .sort(([, a], [, b]) => dearer(a.cost, b.cost));
  const rest = parts.get(REST);
  const series = ranked.map(([key, { label }], place) => ({ key, label, color: colour(place) }));
  if (rest) series.push({ key: REST, label: rest.label, color: isSplit ? 'var(--chart-6)' : colour(0) });
  return { bars: [...bars.values()], series };
}

const colour = (place: number) => `var(--chart-${(place % PARTS_MAX) + 1})`;

const dearer = (a: string, b: string) => Number(nanos(b) > nanos(a)) - Number(nanos(b) < nanos(a));
