import { Card } from '../../components/ui/Card';
import { EmptyState } from '../../components/ui/EmptyState';
import { ErrorState, StaleNote } from '../../components/ui/ErrorState';
import { Money } from '../../components/ui/Money';
import { Skeleton } from '../../components/ui/Skeleton';
import { HttpStatus } from '../../components/ui/StatusBadge';
import { Ago } from '../../components/ui/Time';
import type { Resource } from '../../lib/api/useResource';
import { keyName } from '../requests/cells';
import type { LoggedRequest } from '../requests/requests';
import { errorInWords } from '../requests/words';

const PLACES = [0, 1, 2, 3, 4, 5];

/** The newest requests, as they come. */
export function Newest({ requests }: { requests: Resource<{ data: LoggedRequest[] }> }) {
  const { data, error, loadedAt, reload } = requests;
  return (
    <Card
      title="Newest requests"
      flush
      actions={
        <a class="link text-sm" href="/requests">
          All requests
        </a>
      }
    >
      {data !== null && error && <StaleNote error={error} loadedAt={loadedAt} onRetry={reload} />}
      <div class="border-t border-base-300">
        {data === null ? (
          error ? (
            <ErrorState error={error} what="the requests" onRetry={reload} />
          ) : (
            <Loading />
          )
        ) : data.data.length === 0 ? (
          <EmptyState icon="requests" title="No requests yet">
            They stand here as soon as they have ended.
          </EmptyState>
        ) : (
          <ul class="divide-y divide-base-300">
            {data.data.map((request) => (
              <Row key={request.id} request={request} />
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

function Row({ request }: { request: LoggedRequest }) {
  return (
    <li class="relative flex items-center gap-3 px-4 py-2.5 text-sm hover:bg-base-200/70 sm:px-5">
      <HttpStatus status={request.status} />
      <div class="min-w-0 flex-1">
        <a
          href={`/requests?id=${encodeURIComponent(request.id)}`}
          class="block truncate font-medium after:absolute after:inset-0"
        >
          {keyName(request)}
        </a>
        <div class="muted truncate text-xs">
          {request.model}
          {request.error !== null && `: ${errorInWords(request.error)}`}
        </div>
      </div>
      <div class="shrink-0 text-right">
        <Money usd={request.cost_usd} />
        <div class="muted text-xs">
          <Ago at={request.started_at} />
        </div>
      </div>
    </li>
  );
}

const Loading = () => (
  <ul class="divide-y divide-base-300" aria-busy="true">
    {PLACES.map((place) => (
      <li key={place} class="flex items-center gap-3 px-5 py-3">
        <Skeleton class="h-5 w-9" />
        <Skeleton class="h-5 w-40" />
        <Skeleton class="ml-auto h-5 w-16" />
      </li>
    ))}
  </ul>
);
