import { PageHeader } from '../../components/ui/PageHeader';
import { api, ok } from '../../lib/api/client';
import { usePages } from '../../lib/api/usePages';
import { useResource } from '../../lib/api/useResource';
import { pageAt } from '../../lib/nav';
import { param, setParams } from '../../lib/urlState';
import { FilterBar } from './FilterBar';
import { countOf, keyOf, queryOf } from './filters';
import { RequestDrawer } from './RequestDrawer';
import { RequestList } from './RequestList';
import type { LoggedRequest } from './requests';

const PAGE = pageAt('/requests');
const POLL_MS = 5_000;
const NEWEST = 50;

const list = (page: { limit: number; cursor?: string }, signal: AbortSignal) =>
  ok(api.GET('/api/requests', { params: { query: { ...queryOf(param, new Date()), ...page } }, signal }));

export default function RequestsPage() {
  const key = keyOf(param);
  const pages = usePages<LoggedRequest>(key, list);
  // Apart from the list, which therefore stands still under the reader's eyes.
  const newest = useResource(`${key} newest`, (signal) => list({ limit: NEWEST }, signal), {
    pollMs: POLL_MS,
  });
  const newer = pages.loading ? 0 : unseen(pages.rows, newest.data?.data ?? null);
  const reload = async () => {
    await Promise.all([pages.reload(), newest.reload()]);
  };
  const empty = pages.rows?.length === 0 && newer > 0;
  const id = param('id');
  return (
    <div class="grid grid-cols-1 gap-6">
      <PageHeader title={PAGE.title} description={PAGE.description} />
      <FilterBar />
      <RequestList
        rows={empty ? (newest.data?.data ?? null) : pages.rows}
        list={{ ...pages, error: pages.error ?? newest.error, reload }}
        filtered={countOf(param) > 0}
        newer={empty ? 0 : newer}
        onShowNewer={() => void reload()}
      />
      {id && (
        <RequestDrawer
          key={id}
          id={id}
          onChanged={() => void pages.reload()}
          onClose={() => setParams({ id: null }, 'push')}
        />
      )}
    </div>
  );
}

/** How many of the newest are not in the list. Those beyond its end are older than it reaches. */
function unseen(shown: LoggedRequest[] | null, newest: LoggedRequest[] | null): number {
  if (shown === null || newest === null) return 0;
  const known = new Set(shown.map((request) => request.id));
  return newest.filter((request) => !known.has(request.id)).length;
}
