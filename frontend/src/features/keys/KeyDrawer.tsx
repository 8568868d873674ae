import { BudgetBar } from '../../components/ui/BudgetBar';
import { Drawer } from '../../components/ui/Drawer';
import { ErrorState } from '../../components/ui/ErrorState';
import { Facts, Section } from '../../components/ui/Facts';
import { Icon } from '../../components/ui/Icon';
import { Menu } from '../../components/ui/Menu';
import { Skeleton } from '../../components/ui/Skeleton';
import { StatusBadge } from '../../components/ui/StatusBadge';
import { Ago, Until } from '../../components/ui/Time';
import { toast } from '../../components/ui/Toasts';
import { messageOf } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';
import { moment, perPeriod } from '../../lib/format';
import { asked, changes } from './dialogs';
import { keyActions } from './KeyList';
import { KeySpend } from './KeySpend';
import { type Key, showKey, thawKey } from './keys';
import { LastRequests } from './LastRequests';

type Props = { id: string; onChanged: () => void; onClose: () => void };

const POLL_MS = 5_000;

/** One key: its terms, its budget, what it spent in 30 days, its last requests. */
export function KeyDrawer({ id, onChanged, onClose }: Props) {
  const key = useResource(`${id} ${changes.value}`, (signal) => showKey(id, signal), { pollMs: POLL_MS });
  const changed = () => {
    void key.reload();
    onChanged();
  };
  const { data, error } = key;
  if (!data) {
    return (
      <Drawer title="Key" onClose={onClose}>
        {error ? <ErrorState error={error} what="the key" onRetry={key.reload} /> : <Loading />}
      </Drawer>
    );
  }
  return (
    <Drawer
      title={data.name}
      description={
        <span class="mt-1 flex flex-wrap items-center gap-2">
          <StatusBadge status={data.status} />
          <code class="text-xs">{data.prefix}…</code>
        </span>
      }
      onClose={onClose}
      footer={
        <>
          <button type="button" class="btn" onClick={() => (asked.value = { kind: 'edit', key: data })}>
            <Icon name="pencil" />
            Edit
          </button>
          <button type="button" class="btn" onClick={() => (asked.value = { kind: 'rotate', key: data })}>
            <Icon name="rotate" />
            Rotate
          </button>
          <div class="max-sm:flex-none">
            <Menu label="More actions" items={keyActions(data, changed)} />
          </div>
        </>
      }
    >
      <div class="grid grid-cols-1 gap-5">
        {data.status === 'frozen' && <Frozen of={data} onThawed={changed} />}
        <Section title="Budget">
          <BudgetBar balance={data.pouch} label={`Budget of ${data.name}`} detailed />
        </Section>
        <Section title="Spent, last 30 days">
          <KeySpend id={id} />
        </Section>
        <Section
          title="Last requests"
          actions={
            <a class="link text-sm" href={`/requests?key=${encodeURIComponent(id)}`}>
              All of them
            </a>
          }
        >
          <LastRequests id={id} />
        </Section>
        <Section title="Terms">
          <Facts facts={terms(data)} />
        </Section>
      </div>
    </Drawer>
  );
}

function terms(key: Key): Parameters<typeof Facts>[0]['facts'] {
  const rate = key.rate_limit;
  const { pouch } = key;
  return [
    ['Models', key.models === null ? 'every model' : key.models.join(', ')],
    ['Provider', key.provider ?? 'any'],
    [
      'Budget',
      pouch.limit_usd === null ? 'no limit of its own' : perPeriod(pouch.period) || 'in all, for ever',
    ],
    ['Rate limit', rate ? `${rate.requests} requests in ${rate.per_s} s` : 'as the pipeline says'],
    [
      'Expires',
      key.expires_at ? (
        <>
          {moment(key.expires_at)} (<Until at={key.expires_at} />)
          {key.auto_renew && ', renewed when it is in use'}
        </>
      ) : (
        'never'
      ),
    ],
    ['Last used', <Ago key="used" at={key.last_used_at} />],
    ['Created', moment(key.created_at)],
    ['Id', <code key="id">{key.id}</code>],
    ['Pouch', <code key="pouch">{pouch.id}</code>],
  ];
}

function Frozen({ of, onThawed }: { of: Key; onThawed: () => void }) {
  const thaw = () =>
    thawKey(of.id).then(
      () => {
        toast(`“${of.name}” is thawed.`);
        onThawed();
      },
      (failure) => toast(messageOf(failure), 'bad'),
    );
  return (
    <div class="flex flex-wrap items-center gap-3 rounded-field bg-info/10 px-3 py-2.5 text-sm">
      <Icon name="snow" class="text-info" />
      <span class="min-w-0 flex-1 wrap-anywhere">
        Frozen: {of.frozen_reason ?? 'no reason is known'}
        {of.frozen_until && (
          <>
            {' '}
            It thaws <Until at={of.frozen_until} />.
          </>
        )}
      </span>
      <button type="button" class="btn btn-sm" onClick={thaw}>
        Thaw now
      </button>
    </div>
  );
}

const Loading = () => (
  <div class="grid gap-4" aria-busy="true">
    <Skeleton class="h-10 w-full" />
    <Skeleton class="h-40 w-full" />
    <Skeleton class="h-32 w-full" />
  </div>
);
