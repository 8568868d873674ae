import { BudgetBar } from '../../components/ui/BudgetBar';
import { Card } from '../../components/ui/Card';
import { type Column, DataTable } from '../../components/ui/DataTable';
import { EmptyState, NoMatch } from '../../components/ui/EmptyState';
import { Icon } from '../../components/ui/Icon';
import { SearchInput, SelectInput } from '../../components/ui/Inputs';
import { Menu, type MenuItem } from '../../components/ui/Menu';
import { StatusBadge } from '../../components/ui/StatusBadge';
import { Ago } from '../../components/ui/Time';
import { toast } from '../../components/ui/Toasts';
import { messageOf } from '../../lib/api/client';
import type { Pages } from '../../lib/api/usePages';
import { param, setParams, withParams } from '../../lib/urlState';
import { asked } from './dialogs';
import { changeKey, type Key } from './keys';

const STATES = [
  { value: '', label: 'Every status' },
  { value: 'active', label: 'Active' },
  { value: 'capped', label: 'Budget reached' },
  { value: 'frozen', label: 'Frozen' },
  { value: 'expired', label: 'Expired' },
  { value: 'disabled', label: 'Disabled' },
];
const ORDERS = [
  { value: '', label: 'Newest first' },
  { value: 'name', label: 'By name' },
  { value: 'last_used', label: 'Last used' },
  { value: 'spent', label: 'Most spent' },
  { value: 'fullest', label: 'Nearest its limit' },
];

const COLUMNS: Column<Key>[] = [
  {
    header: 'Key',
    card: 'title',
    cell: (key) => (
      <div class="min-w-0 max-w-64">
        <div class="truncate font-medium">{key.name}</div>
        <code class="muted text-xs">{key.prefix}…</code>
      </div>
    ),
  },
  { header: 'Status', card: 'aside', cell: (key) => <StatusBadge status={key.status} /> },
  { header: 'Models', cell: (key) => <ModelNames models={key.models} /> },
  {
    header: 'Budget',
    card: 'block',
    width: 'w-72',
    cell: (key) => <BudgetBar balance={key.pouch} label={`Budget of ${key.name}`} detailed />,
  },
  { header: 'Last used', cell: (key) => <Ago at={key.last_used_at} /> },
];

function ModelNames({ models }: { models: string[] | null }) {
  if (models === null) return <span class="muted">every model</span>;
  return (
    <span class="line-clamp-2 max-w-48 wrap-anywhere max-md:ml-auto" title={models.join(', ')}>
      {models.slice(0, 2).join(', ')}
      {models.length > 2 && <span class="muted"> +{models.length - 2}</span>}
    </span>
  );
}

type Props = { pages: Pages<Key>; onChanged: () => void };

export function KeyList({ pages, onChanged }: Props) {
  const filtered = Boolean(param('q') || param('status'));
  const create = (
    <button
      type="button"
      class="btn btn-primary btn-sm max-sm:h-11"
      onClick={() => (asked.value = { kind: 'create' })}
    >
      <Icon name="plus" size={14} />
      Create your first key
    </button>
  );
  return (
    <Card
      title="All keys"
      flush
      actions={
        <div class="flex flex-wrap gap-2 max-sm:w-full">
          <SearchInput
            label="Search name or prefix"
            value={param('q') ?? ''}
            onSearch={(q) => setParams({ q })}
          />
          <SelectInput
            label="Status"
            value={param('status') ?? ''}
            choices={STATES}
            onChoose={(status) => setParams({ status })}
          />
          <SelectInput
            label="Order"
            value={param('sort') ?? ''}
            choices={ORDERS}
            onChoose={(sort) => setParams({ sort })}
          />
        </div>
      }
    >
      <DataTable
        what="keys"
        columns={COLUMNS}
        rows={pages.rows}
        list={pages}
        keyOf={(key) => key.id}
        nameOf={(key) => `Open ${key.name}`}
        href={(key) => `/keys${withParams({ id: key.id })}`}
        onOpen={(key) => setParams({ id: key.id }, 'push')}
        actions={(key) => <Menu label={`Actions for ${key.name}`} items={keyActions(key, onChanged)} />}
        empty={
          filtered ? (
            <NoMatch what="keys" onClear={() => setParams({ q: null, status: null })} />
          ) : (
            <EmptyState icon="keys" title="No keys yet" action={create}>
              A key lets one application ask models through this gateway, and stops it where its budget ends.
            </EmptyState>
          )
        }
      />
    </Card>
  );
}

/** What can be done with a key, by what it is now. */
export function keyActions(key: Key, onChanged: () => void): MenuItem[] {
  const ask = (kind: 'edit' | 'rotate' | 'reset' | 'disable' | 'revoke') => () => {
    asked.value = { kind, key };
  };
  const enable = () =>
    changeKey(key.id, { disabled: false }).then(
      () => {
        toast(`“${key.name}” is enabled.`);
        onChanged();
      },
      (failure) => toast(messageOf(failure), 'bad'),
    );
  return [
    { label: 'Edit', icon: 'pencil', onChoose: ask('edit') },
    { label: 'Rotate', icon: 'rotate', onChoose: ask('rotate') },
    { label: 'Reset budget', icon: 'undo', onChoose: ask('reset') },
    key.status === 'disabled'
      ? { label: 'Enable', icon: 'play', onChoose: enable }
      : { label: 'Disable', icon: 'pause', onChoose: ask('disable') },
    { label: 'Revoke', icon: 'trash', onChoose: ask('revoke'), danger: true },
  ];
}
