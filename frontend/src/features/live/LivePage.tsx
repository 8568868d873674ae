import { useEffect, useState } from 'preact/hooks';
import { Card } from '../../components/ui/Card';
import { Money } from '../../components/ui/Money';
import { PageHeader } from '../../components/ui/PageHeader';
import { StatTile, StatTiles } from '../../components/ui/StatTile';
import { useResource } from '../../lib/api/useResource';
import { pageAt } from '../../lib/nav';
import { LiveTable } from './LiveTable';
import { allLive, clockOf, elsewhereInWords, type Live, OLD_S, sums } from './live';
import { StopDialog } from './StopDialog';

const PAGE = pageAt('/live');
const POLL_MS = 1_000;

export default function LivePage() {
  const live = useResource('live', allLive, { pollMs: POLL_MS });
  const [stopping, setStopping] = useState<Live | null>(null);
  const since = useSince(live.loadedAt);
  const rows = live.data;
  const all = rows && sums(rows);
  const elsewhere = all && elsewhereInWords(all.elsewhere);
  return (
    <div class="grid grid-cols-1 gap-6">
      <PageHeader title={PAGE.title} description={PAGE.description} />
      <StatTiles>
        <StatTile
          label="In flight"
          value={all ? all.count : null}
          note={
            all && (all.count ? `${all.answering} answering, ${all.waiting} waiting` : 'none at the moment')
          }
        />
        <StatTile
          label="Reserved"
          value={all && <Money usd={all.reservedUsd} />}
          note="the most they can cost"
        />
        <StatTile
          label="Burn"
          value={all && <Money usd={all.burnUsd} />}
          note={all?.elsewhere ? 'a minute, of those here' : 'a minute, by estimate'}
        />
        <StatTile
          label="Oldest"
          value={all && (all.oldestS === null ? '—' : clockOf(all.oldestS + since))}
          tone={all?.oldestS && all.oldestS >= OLD_S ? 'warning' : 'plain'}
          note={all && `amber from ${OLD_S} s on`}
        />
      </StatTiles>
      <Card title="Requests" note={elsewhere} flush>
        <LiveTable live={live} since={since} onStop={setStopping} />
      </Card>
      {stopping && (
        <StopDialog
          of={stopping}
          onStopped={() => {
            setStopping(null);
            void live.reload();
          }}
          onClose={() => setStopping(null)}
        />
      )}
    </div>
  );
}

/** Seconds since `at`, so that ages go on between two polls, and while the gateway is gone. */
function useSince(at: number | null): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return at === null ? 0 : Math.max(0, now - at) / 1000;
}
