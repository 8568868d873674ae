import { useEffect, useState } from 'preact/hooks';
import { ErrorState, StaleNote } from '../../components/ui/ErrorState';
import { PageHeader } from '../../components/ui/PageHeader';
import { Skeleton } from '../../components/ui/Skeleton';
import { useResource } from '../../lib/api/useResource';
import { pageAt } from '../../lib/nav';
import { Dialogs } from '../keys/dialogs';
import { FirstSteps } from './FirstSteps';
import { Fullest } from './Fullest';
import { Newest } from './Newest';
import { newestRequests, overview } from './overview';
import { Spend } from './Spend';
import { Tiles } from './Tiles';

const PAGE = pageAt('/');
const POLL_MS = 5_000;
/** While someone watches for their first request. */
const FIRST_POLL_MS = 1_500;
const NEWEST = 14;

export default function OverviewPage() {
  const [isFirst, setFirst] = useState(false);
  const pollMs = isFirst ? FIRST_POLL_MS : POLL_MS;
  const now = useResource('overview', overview, { pollMs });
  const newest = useResource('newest', (signal) => newestRequests(NEWEST, signal), { pollMs });
  const { data, error } = now;
  // The steps stay when the request has come, until one has seen that it has.
  useEffect(() => {
    if (data && !data.requests_ever) setFirst(true);
  }, [data]);
  return (
    <div class="grid grid-cols-1 gap-6">
      <PageHeader title={PAGE.title} description={PAGE.description} />
      {data !== null && error && (
        <div class="card-surface overflow-hidden [&>*]:border-t-0">
          <StaleNote error={error} loadedAt={now.loadedAt} onRetry={now.reload} />
        </div>
      )}
      {data === null && error ? (
        <div class="card-surface">
          <ErrorState error={error} what="the overview" onRetry={now.reload} />
        </div>
      ) : data !== null && (isFirst || !data.requests_ever) ? (
        <FirstSteps now={data} first={newest.data?.data.at(-1) ?? null} onDone={() => setFirst(false)} />
      ) : (
        <>
          <Tiles now={data} />
          <Spend />
          <div class="grid grid-cols-1 items-start gap-6 lg:grid-cols-2">
            {data === null ? <Skeleton class="h-80 w-full" /> : <Fullest pouches={data.fullest} />}
            <Newest requests={newest} />
          </div>
        </>
      )}
      <Dialogs onChanged={() => void now.reload()} />
    </div>
  );
}
