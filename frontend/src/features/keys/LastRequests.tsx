import { ErrorState } from '../../components/ui/ErrorState';
import { Money } from '../../components/ui/Money';
import { Skeleton } from '../../components/ui/Skeleton';
import { HttpStatus } from '../../components/ui/StatusBadge';
import { Ago } from '../../components/ui/Time';
import { api, ok } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';

const SHOWN = 6;
const POLL_MS = 5_000;

/** The newest requests of a key. */
export function LastRequests({ id }: { id: string }) {
  const requests = useResource(
    id,
    (signal) => ok(api.GET('/api/requests', { params: { query: { key: id, limit: SHOWN } }, signal })),
    { pollMs: POLL_MS },
  );
  if (requests.data === null) {
    if (requests.error)
      return <ErrorState error={requests.error} what="the requests" onRetry={requests.reload} />;
    return <Skeleton class="h-32 w-full" />;
  }
  const rows = requests.data.data;
  if (rows.length === 0) return <p class="muted text-sm">It has made none yet.</p>;
  return (
    <ul class="divide-y divide-base-300 rounded-field border border-base-300">
      {rows.map((row) => (
        <li key={row.id} class="relative flex items-center gap-3 px-3 py-2 text-sm hover:bg-base-200/70">
          <a href={`/requests?id=${encodeURIComponent(row.id)}`} class="absolute inset-0">
            <span class="sr-only">Open this request</span>
          </a>
          <HttpStatus status={row.status} />
          <span class="min-w-0 flex-1 truncate">{row.model}</span>
          <Money usd={row.cost_usd} />
          <span class="muted w-16 text-right text-xs">
            <Ago at={row.started_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}
