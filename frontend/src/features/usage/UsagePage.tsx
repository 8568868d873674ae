import { useState } from 'preact/hooks';
import { SpendChart } from '../../components/charts/SpendChart';
import { ErrorState } from '../../components/ui/ErrorState';
import { Icon } from '../../components/ui/Icon';
import { Money } from '../../components/ui/Money';
import { PageHeader } from '../../components/ui/PageHeader';
import { StatTile, StatTiles } from '../../components/ui/StatTile';
import { toast } from '../../components/ui/Toasts';
import { api, messageOf, ok } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';
import { download } from '../../lib/download';
import { compact, integer, percent } from '../../lib/format';
import { pageAt } from '../../lib/nav';
import { param } from '../../lib/urlState';
import { type Question, questionOf, rowsQuery, totalQuery } from './question';
import { errorRate, type Sums, total } from './sums';
import { UsageBar } from './UsageBar';
import { UsageTable } from './UsageTable';

const PAGE = pageAt('/usage');
const POLL_MS = 30_000;

export default function UsagePage() {
  const now = new Date();
  const question = questionOf(param, now);
  const query = totalQuery(question);
  const months = useResource(
    JSON.stringify(query),
    (signal) => ok(api.GET('/api/usage', { params: { query }, signal })),
    { pollMs: POLL_MS },
  );
  const sums = months.data === null ? null : total(months.data.data);
  return (
    <div class="grid grid-cols-1 gap-6">
      <PageHeader title={PAGE.title} description={PAGE.description}>
        <CsvButton question={question} />
      </PageHeader>
      <UsageBar question={question} now={now} />
      {sums === null && months.error ? (
        <div class="card-surface">
          <ErrorState error={months.error} what="the totals" onRetry={months.reload} />
        </div>
      ) : (
        <Tiles sums={sums} />
      )}
      <SpendChart
        title="Spent"
        unit={question.unit}
        stack={question.stack}
        span={question.span}
        of={question.of}
        pollMs={POLL_MS}
      />
      <UsageTable question={question} total={sums} pollMs={POLL_MS} />
    </div>
  );
}

function Tiles({ sums }: { sums: Sums | null }) {
  return (
    <StatTiles>
      <StatTile label="Spent" value={sums && <Money usd={sums.cost_usd} />} note="before refunds" />
      <StatTile
        label="Requests"
        value={sums && integer(sums.requests)}
        note={sums && `${integer(sums.errors)} of them failed`}
      />
      <StatTile label="Error rate" value={sums && percent(errorRate(sums))} note="a status of 400 or more" />
      <StatTile
        label="Tokens"
        value={sums && compact(sums.input_tokens + sums.output_tokens)}
        note={sums && `${compact(sums.input_tokens)} in, ${compact(sums.output_tokens)} out`}
      />
    </StatTiles>
  );
}

/** The rows as a file. It is fetched like all else, so that an error is told and not saved. */
function CsvButton({ question }: { question: Question }) {
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      const params = { query: rowsQuery(question) };
      const text = await ok<string>(api.GET('/api/usage.csv', { params, parseAs: 'text' }));
      download(`usage-by-${question.by}-from-${question.span.since.slice(0, 10)}.csv`, text, 'text/csv');
    } catch (failure) {
      toast(messageOf(failure), 'bad');
    } finally {
      setBusy(false);
    }
  };
  return (
    <button type="button" class="btn max-sm:flex-1" disabled={busy} onClick={save}>
      <Icon name="download" />
      Download CSV
    </button>
  );
}
