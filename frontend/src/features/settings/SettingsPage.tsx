import { useState } from 'preact/hooks';
import { Card } from '../../components/ui/Card';
import { ErrorState, StaleNote } from '../../components/ui/ErrorState';
import { Facts } from '../../components/ui/Facts';
import { Icon } from '../../components/ui/Icon';
import { PageHeader } from '../../components/ui/PageHeader';
import { Skeleton } from '../../components/ui/Skeleton';
import { Tabs } from '../../components/ui/Tabs';
import { Ago } from '../../components/ui/Time';
import { toast } from '../../components/ui/Toasts';
import { api, messageOf, ok, type Schemas } from '../../lib/api/client';
import { type Resource, useResource } from '../../lib/api/useResource';
import { moment } from '../../lib/format';
import { pageAt } from '../../lib/nav';
import { setTheme, type Theme, theme } from '../../lib/theme';
import { signOut } from '../login/signIn';
import { bytesInWords, durabilityInWords, transportInWords } from './about';
import { RotateTokenDialog, TokenDialog } from './TokenDialogs';

const PAGE = pageAt('/settings');
const POLL_MS = 30_000;

type About = Schemas['AboutObject'];

export default function SettingsPage() {
  const about = useResource('about', (signal) => ok(api.GET('/api/about', { signal })), { pollMs: POLL_MS });
  return (
    <div class="grid grid-cols-1 gap-6">
      <PageHeader title={PAGE.title} description={PAGE.description} />
      <div class="grid grid-cols-1 items-start gap-6 lg:grid-cols-2">
        <Gateway about={about} />
        <div class="grid grid-cols-1 gap-6">
          <Appearance />
          <AdminToken about={about.data} />
          <Session />
        </div>
      </div>
    </div>
  );
}

function Gateway({ about }: { about: Resource<About> }) {
  const { data, error } = about;
  return (
    <Card title="This gateway">
      {data === null ? (
        error ? (
          <ErrorState error={error} what="what runs here" onRetry={about.reload} />
        ) : (
          <Skeleton class="h-72 w-full" />
        )
      ) : (
        <>
          {error && (
            <div class="-mx-4 mb-4 sm:-mx-5">
              <StaleNote error={error} loadedAt={about.loadedAt} onRetry={about.reload} />
            </div>
          )}
          <Facts facts={facts(data)} />
        </>
      )}
    </Card>
  );
}

function facts(about: About): Parameters<typeof Facts>[0]['facts'] {
  const { store } = about;
  return [
    ['Version', `Pouch ${about.version}, on Python ${about.python}`],
    [
      'Running since',
      <span key="since">
        {moment(about.started_at)} (<Ago at={about.started_at} />)
      </span>,
    ],
    ['Workers', `${about.workers}; process ${about.worker_pid} answered`],
    ['Configuration', <code key="file">{about.config_file}</code>],
    ['Transport', transportInWords(about.transport)],
    [
      'Store',
      <span key="store">
        {store.kind} in <code>{store.path}</code>
      </span>,
    ],
    ['Its size', bytesInWords(store.bytes)],
    ['Its schema', `version ${store.schema}`],
    ['Its writes', durabilityInWords(store.synchronous)],
  ];
}

const THEMES: { id: Theme; title: string }[] = [
  { id: 'light', title: 'Light' },
  { id: 'dark', title: 'Dark' },
  { id: 'system', title: 'As the system' },
];

const Appearance = () => (
  <Card title="Appearance">
    <Tabs label="Theme" tabs={THEMES} chosen={theme.value} onChoose={setTheme} />
    <p class="muted mt-2 text-sm">Kept in this browser.</p>
  </Card>
);

function AdminToken({ about }: { about: About | null }) {
  const [asked, setAsked] = useState(false);
  const [token, setToken] = useState<string | null>(null);
  const fixed = about?.admin_token === 'environment';
  return (
    <Card title="Admin token">
      <div class="grid grid-cols-1 gap-3 text-sm">
        {about === null ? (
          <Skeleton class="h-10 w-full" />
        ) : fixed ? (
          <p>
            It comes from the environment of the server. To replace it, set <code>POUCH_ADMIN_TOKEN</code> to
            another one and start the gateway again.
          </p>
        ) : (
          <p>
            The gateway made it and stores only its hash. A new one signs out everybody else, and scripts that
            use the old one.
          </p>
        )}
        {!fixed && (
          <div>
            <button
              type="button"
              class="btn max-sm:w-full"
              disabled={about === null}
              onClick={() => setAsked(true)}
            >
              <Icon name="rotate" />
              Rotate the admin token
            </button>
          </div>
        )}
      </div>
      {asked && (
        <RotateTokenDialog
          onRotated={(made) => {
            setAsked(false);
            setToken(made);
          }}
          onClose={() => setAsked(false)}
        />
      )}
      {token !== null && <TokenDialog token={token} onClose={() => setToken(null)} />}
    </Card>
  );
}

function Session() {
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    try {
      await signOut();
    } catch (failure) {
      toast(messageOf(failure), 'bad');
      setBusy(false);
    }
  };
  return (
    <Card title="Session">
      <div class="grid grid-cols-1 gap-3 text-sm">
        <p>You are signed in on this browser, by a cookie that no script can read.</p>
        <div>
          <button type="button" class="btn max-sm:w-full" disabled={busy} onClick={leave}>
            <Icon name="leave" />
            Sign out here
          </button>
        </div>
      </div>
    </Card>
  );
}
