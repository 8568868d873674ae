import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Card } from '../../components/ui/Card';
import { CopyButton } from '../../components/ui/CopyField';
import { EmptyState } from '../../components/ui/EmptyState';
import { ErrorState } from '../../components/ui/ErrorState';
import { PageHeader } from '../../components/ui/PageHeader';
import { Skeleton } from '../../components/ui/Skeleton';
import { api, ok, type Schemas } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';
import { pageAt } from '../../lib/nav';
import { param, setParams } from '../../lib/urlState';
import { Answer } from './Answer';
import { AskForm } from './AskForm';
import { type AskDraft, asCurl, continued, NEW_ASK, problems, requestBody } from './ask';
import type { Sent } from './cost';
import { modelsFor, type Price } from './models';
import { QuoteLine } from './QuoteLine';
import { isOver } from './run';
import { useQuote } from './useQuote';
import { useRun } from './useRun';

const PAGE = pageAt('/playground');
const KEYS_MAX = 100;

type Key = Schemas['KeyObject'];
type Known = { keys: Key[]; more: boolean; named: Key | null; prices: Price[] };

/** The keys that were used last, the one that the address names, and the models. */
async function known(signal: AbortSignal): Promise<Known> {
  const [keys, prices] = await Promise.all([
    ok(api.GET('/api/keys', { params: { query: { sort: 'last_used', limit: KEYS_MAX } }, signal })),
    ok(api.GET('/api/prices', { signal })),
  ]);
  const id = param('key');
  const listed = keys.data.find((key) => key.id === id) ?? null;
  const named =
    id && !listed
      ? await ok(api.GET('/api/keys/{key_id}', { params: { path: { key_id: id } }, signal }))
      : listed;
  return { keys: keys.data, more: keys.next_cursor !== null, named, prices: prices.data };
}

export default function PlaygroundPage() {
  const first = useResource('known', known);
  return (
    <div class="grid grid-cols-1 gap-6">
      <PageHeader title={PAGE.title} description={PAGE.description} />
      {first.data === null ? (
        <div class="card-surface">
          {first.error ? (
            <ErrorState error={first.error} what="your keys" onRetry={first.reload} />
          ) : (
            <Loading />
          )}
        </div>
      ) : first.data.keys.length === 0 ? (
        <div class="card-surface">
          <EmptyState
            icon="keys"
            title="Make a key first"
            action={
              <a class="btn btn-primary btn-sm max-sm:h-11" href="/keys">
                Go to Keys
              </a>
            }
          >
            What you ask here is asked by one of your keys, within its budget, as your application would ask.
          </EmptyState>
        </div>
      ) : (
        <Playground {...first.data} onSpent={first.reload} />
      )}
    </div>
  );
}

function Playground({ keys, more, named, prices, onSpent }: Known & { onSpent: () => void }) {
  const [key, setKey] = useState<Key | null>(
    named ?? keys.find(({ status }) => status === 'active') ?? keys[0] ?? null,
  );
  const models = useMemo(() => (key ? modelsFor(key, prices) : null), [key, prices]);
  const [draft, setDraft] = useState<AskDraft>(() => ({
    ...NEW_ASK,
    key: key?.id ?? '',
    model: param('model') ?? firstPriced(models),
  }));
  const [tried, setTried] = useState(false);
  const { run, settlement, send, stop } = useRun();
  const busy = run !== null && !isOver(run);
  const found = problems(draft);
  const ask = { key: draft.key, request: requestBody(draft) };
  const [sent, setSent] = useState<Sent>({ rates: null, bodyBytes: 0 });
  const answer = useRef<HTMLDivElement>(null);
  const quote = useQuote(Object.keys(found).length ? null : ask);
  const change = (changes: Partial<AskDraft>) => setDraft((before) => ({ ...before, ...changes }));

  useEffect(
    () => setParams({ key: draft.key || null, model: draft.model || null }),
    [draft.key, draft.model],
  );
  useEffect(() => {
    if (!run?.endedAt) return;
    // What is left of the budget is another now.
    onSpent();
    if (quote.data) void quote.reload();
  }, [run?.endedAt, settlement]);

  const chooseKey = (next: Key) => {
    setKey(next);
    const allowed = modelsFor(next, prices);
    const keeps = allowed.some(({ name }) => name === draft.model);
    change({ key: next.id, model: keeps ? draft.model : firstPriced(allowed) });
  };
  const submit = () => {
    setTried(true);
    if (busy || Object.keys(found).length) return;
    setSent({
      rates: ratesOf(draft.model, prices) ?? quote.data?.price ?? null,
      bodyBytes: new TextEncoder().encode(JSON.stringify(ask.request)).length,
    });
    send(ask);
    // On a phone it is below what one has just pressed.
    answer.current?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <div class="grid grid-cols-1 items-start gap-6 lg:grid-cols-2">
      <Card
        title="Request"
        actions={<CopyButton text={asCurl(location.origin, draft)} label="Copy as curl" />}
      >
        <AskForm
          draft={draft}
          problems={tried ? found : {}}
          keys={keys}
          moreKeys={more}
          chosen={keys.find(({ id }) => id === key?.id) ?? key}
          models={models}
          busy={busy}
          onChange={change}
          onChooseKey={chooseKey}
          onSend={submit}
          onStop={stop}
          quote={<QuoteLine quote={quote} />}
        />
      </Card>
      <div ref={answer} class="min-w-0 scroll-mt-20">
        <Answer
          run={run}
          settlement={settlement}
          sent={sent}
          onReply={() => run && setDraft(continued(draft, run.text))}
        />
      </div>
    </div>
  );
}

/** A model that can be asked at once; one without a price is refused. */
const firstPriced = (models: Price[] | null): string =>
  models?.find(({ priced }) => priced)?.name ?? models?.[0]?.name ?? '';

/** What is listed for a model; of one that is not, the quote tells. */
function ratesOf(name: string, prices: Price[]): Sent['rates'] {
  const price = prices.find((each) => each.name === name);
  return price?.priced ? price.rates : null;
}

const Loading = () => (
  <div class="grid gap-4 p-5" aria-busy="true">
    <Skeleton class="h-10 w-full" />
    <Skeleton class="h-24 w-full" />
    <Skeleton class="h-10 w-40" />
  </div>
);
