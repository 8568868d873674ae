import { useState } from 'preact/hooks';
import { Card } from '../../components/ui/Card';
import { type Column, DataTable } from '../../components/ui/DataTable';
import { EmptyState } from '../../components/ui/EmptyState';
import { Icon } from '../../components/ui/Icon';
import { Badge } from '../../components/ui/StatusBadge';
import { api, messageOf, ok, type Schemas } from '../../lib/api/client';
import type { Resource } from '../../lib/api/useResource';
import { plural } from '../../lib/format';
import { took } from '../requests/cells';

type Provider = Schemas['ProviderObject'];
/** What a test found: the answer, that it is awaited, or that the gateway itself did not answer. */
type Outcome = Schemas['ProbeObject'] | 'testing' | { failure: string };

export function ProviderList({ providers }: { providers: Resource<Provider[]> }) {
  const [outcomes, setOutcomes] = useState<Record<string, Outcome>>({});
  const test = async (name: string) => {
    const tell = (outcome: Outcome) => setOutcomes((before) => ({ ...before, [name]: outcome }));
    tell('testing');
    try {
      tell(await ok(api.POST('/api/providers/{name}/test', { params: { path: { name } } })));
    } catch (failure) {
      tell({ failure: messageOf(failure) });
    }
  };
  return (
    <Card title="Providers" note="a test asks something that costs nothing" flush>
      <DataTable
        what="providers"
        columns={columns(outcomes)}
        rows={providers.data}
        list={providers}
        keyOf={(provider) => provider.name}
        actions={({ name }) => (
          <button
            type="button"
            class="btn btn-sm max-sm:h-11"
            aria-label={`Test ${name}`}
            disabled={outcomes[name] === 'testing'}
            onClick={() => test(name)}
          >
            {outcomes[name] === 'testing' ? (
              <span class="loading loading-spinner loading-xs" aria-hidden="true" />
            ) : (
              <Icon name="send" size={14} />
            )}
            Test
          </button>
        )}
        empty={
          <EmptyState icon="providers" title="No providers">
            <code>pouch.yaml</code> names none, so there is nobody to ask.
          </EmptyState>
        }
      />
    </Card>
  );
}

const columns = (outcomes: Record<string, Outcome>): Column<Provider>[] => [
  {
    header: 'Provider',
    card: 'title',
    cell: ({ name, use }) => (
      <div class="min-w-0">
        <div class="font-medium wrap-anywhere">{name}</div>
        <div class="muted text-xs">uses {use}</div>
      </div>
    ),
  },
  {
    header: 'Status',
    card: 'aside',
    cell: ({ status }) => (status === 'on' ? <Badge tone="good">On</Badge> : <Badge tone="quiet">Off</Badge>),
  },
  { header: 'Models', cell: ({ models }) => <Models names={models} /> },
  {
    header: 'Last test',
    card: 'block',
    cell: ({ name, reason }) => <Result outcome={outcomes[name]} off={reason} />,
  },
];

function Models({ names }: { names: string[] }) {
  if (names.length === 0) return <span class="muted">none lead here</span>;
  return (
    <span title={names.slice(0, 50).join(', ')}>
      {plural(names.length, 'model')}
      <span class="muted block max-w-56 truncate text-xs max-md:ml-auto">{names.slice(0, 5).join(', ')}</span>
    </span>
  );
}

function Result({ outcome, off }: { outcome: Outcome | undefined; off: string | null }) {
  return (
    <div class="max-w-md text-sm" role="status">
      {outcome === undefined ? (
        <span class="muted wrap-anywhere">{off ? `It is off: ${off}` : 'Not tested yet.'}</span>
      ) : outcome === 'testing' ? (
        <span class="muted">Asking …</span>
      ) : 'failure' in outcome ? (
        <span class="wrap-anywhere">Not known: {outcome.failure}</span>
      ) : (
        <Answered outcome={outcome} />
      )}
    </div>
  );
}

function Answered({
  outcome: { ok: good, status, latency_ms, message },
}: {
  outcome: Schemas['ProbeObject'];
}) {
  return (
    <>
      <span class="flex flex-wrap items-center gap-x-2">
        <Badge tone={good ? 'good' : 'bad'}>{good ? 'Works' : 'Does not work'}</Badge>
        <span class="muted num text-xs">
          {[status !== null && `HTTP ${status}`, latency_ms !== null && took(latency_ms)]
            .filter(Boolean)
            .join(', ')}
        </span>
      </span>
      <span class="muted mt-0.5 block wrap-anywhere">{message}</span>
    </>
  );
}
