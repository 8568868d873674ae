import { StackedBars } from '../../components/charts/StackedBars';
import { ErrorState } from '../../components/ui/ErrorState';
import { Skeleton } from '../../components/ui/Skeleton';
import { api, ok } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';
import { lastDays } from '../../lib/days';

const DAYS = 30;

/** What a key spent on each of the last 30 days, in UTC. */
export function KeySpend({ id }: { id: string }) {
  const days = lastDays(DAYS, new Date());
  const usage = useResource(id, (signal) =>
    ok(api.GET('/api/usage', { params: { query: { by: 'day', key: id, since: days[0] } }, signal })),
  );
  if (usage.data === null) {
    if (usage.error) return <ErrorState error={usage.error} what="the usage" onRetry={usage.reload} />;
    return <Skeleton class="h-40 w-full" />;
  }
  const spent = new Map(usage.data.data.map((row) => [row.by, row.cost_usd]));
  return (
    <StackedBars
      title="Spent a day over the last 30 days"
      height={150}
      rows={days.map((day) => ({ x: day, values: { spent: spent.get(day) ?? '0' } }))}
      series={[{ key: 'spent', label: 'Spent', color: 'var(--chart-1)' }]}
    />
  );
}
