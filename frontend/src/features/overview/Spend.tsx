import { SpendChart } from '../../components/charts/SpendChart';
import { Tabs } from '../../components/ui/Tabs';
import { spanOf } from '../../lib/range';
import { param, setParams } from '../../lib/urlState';

const POLL_MS = 30_000;

/** What was spent in 30 days or 24 hours, stacked by model or by key. */
export function Spend() {
  const isDay = param('range') === '24h';
  const stack = param('by') === 'key' ? 'key' : 'model';
  const now = new Date();
  const chosen = { range: isDay ? '24h' : '30d', from: null, to: null };
  const span = spanOf(chosen, now, true) ?? { since: now.toISOString() };
  return (
    <SpendChart
      title={isDay ? 'Spent in 24 hours' : 'Spent in 30 days'}
      unit={isDay ? 'hour' : 'day'}
      stack={stack}
      span={span}
      pollMs={POLL_MS}
      actions={
        <div class="flex flex-wrap gap-2">
          <Tabs
            label="Stacked by"
            tabs={[
              { id: 'model', title: 'Model' },
              { id: 'key', title: 'Key' },
            ]}
            chosen={stack}
            onChoose={(by) => setParams({ by: by === 'key' ? by : null })}
          />
          <Tabs
            label="Time"
            tabs={[
              { id: '30d', title: '30 days' },
              { id: '24h', title: '24 hours' },
            ]}
            chosen={isDay ? '24h' : '30d'}
            onChoose={(range) => setParams({ range: range === '24h' ? range : null })}
          />
        </div>
      }
    />
  );
}
