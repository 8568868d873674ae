import { Icon } from '../../components/ui/Icon';
import { PageHeader } from '../../components/ui/PageHeader';
import { Tabs } from '../../components/ui/Tabs';
import { api, ok } from '../../lib/api/client';
import { usePages } from '../../lib/api/usePages';
import { useResource } from '../../lib/api/useResource';
import { pageAt } from '../../lib/nav';
import { param, setParams } from '../../lib/urlState';
import { asked, Dialogs } from './dialogs';
import { KeyDrawer } from './KeyDrawer';
import { KeyList } from './KeyList';
import { allPouches, type Key } from './keys';
import { PouchTree } from './PouchTree';

const PAGE = pageAt('/keys');
const POLL_MS = 10_000;
const POUCHES_POLL_MS = 30_000;

type Query = { q?: string; status?: Key['status']; sort?: 'name' | 'last_used' | 'spent' | 'fullest' };

/** What the address asks the list for. */
function query(): Query {
  const asked = { q: param('q'), status: param('status'), sort: param('sort') };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null));
}

export default function KeysPage() {
  const inPouches = param('view') === 'pouches';
  const wanted = query();
  const keys = usePages<Key>(
    JSON.stringify(wanted),
    (page, signal) => ok(api.GET('/api/keys', { params: { query: { ...wanted, ...page } }, signal })),
    { pollMs: POLL_MS },
  );
  const pouches = useResource('pouches', allPouches, { enabled: inPouches, pollMs: POUCHES_POLL_MS });
  const id = param('id');
  const changed = () => {
    void keys.reload();
    if (inPouches) void pouches.reload();
  };
  return (
    <div class="grid grid-cols-1 gap-6">
      <PageHeader title={PAGE.title} description={PAGE.description}>
        {inPouches && (
          <button type="button" class="btn max-sm:flex-1" onClick={() => (asked.value = { kind: 'pouch' })}>
            <Icon name="pouch" />
            Create pouch
          </button>
        )}
        <button
          type="button"
          class="btn btn-primary max-sm:flex-1"
          onClick={() => (asked.value = { kind: 'create' })}
        >
          <Icon name="plus" />
          Create key
        </button>
      </PageHeader>
      <div>
        <Tabs
          label="View"
          tabs={[
            { id: 'keys', title: 'Keys' },
            { id: 'pouches', title: 'Pouches' },
          ]}
          chosen={inPouches ? 'pouches' : 'keys'}
          onChoose={(view) => setParams({ view: view === 'pouches' ? view : null }, 'push')}
        />
      </div>
      {inPouches ? <PouchTree pouches={pouches} /> : <KeyList pages={keys} onChanged={changed} />}
      {id && (
        <KeyDrawer key={id} id={id} onChanged={changed} onClose={() => setParams({ id: null }, 'push')} />
      )}
      <Dialogs onChanged={changed} />
    </div>
  );
}
