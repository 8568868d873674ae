import { useState } from 'preact/hooks';
import { Card } from '../../components/ui/Card';
import { type Column, DataTable, type Fetched } from '../../components/ui/DataTable';
import { EmptyState, NoMatch } from '../../components/ui/EmptyState';
import { Money } from '../../components/ui/Money';
import { api, ok } from '../../lib/api/client';
import { usePages } from '../../lib/api/usePages';
import { useResource } from '../../lib/api/useResource';
import { integer, percent } from '../../lib/format';
import { timeInWords } from '../../lib/range';
import { setParams } from '../../lib/urlState';
import { BYS, isTime, PARTS, type Question, rowsQuery } from './question';
import { errorRate, requestsOf, type Sums, share, type UsageRow } from './sums';

type Props = { question: Question; total: Sums | null; pollMs: number };

const PAGE = 50;
const TIMES_MAX = 1000;

/** The sums, newest time first, or whatever cost most first. */
export const UsageTable = (props: Props) =>
  isTime(props.question.by) ? <ByTime {...props} /> : <ByPart {...props} />;

function ByTime(props: Props) {
  const query = { ...rowsQuery(props.question), limit: TIMES_MAX };
  const key = JSON.stringify(query);
  const usage = useResource(key, (signal) => ok(api.GET('/api/usage', { params: { query }, signal })), props);
  const [shown, setShown] = useState({ key, count: PAGE });
  const count = shown.key === key ? shown.count : PAGE;
  const rows = usage.data === null ? null : newestFirst(usage.data.data);
  const list = {
    ...usage,
    hasMore: (rows?.length ?? 0) > count,
    loadMore: () => setShown({ key, count: count + PAGE }),
  };
  return <Rows {...props} rows={rows?.slice(0, count) ?? null} list={list} />;
}

/** Times turned round; the parts of one time stay in their order. */
function newestFirst(rows: UsageRow[]): UsageRow[] {
  return rows.toSorted((a, b) => (a.by < b.by ? 1 : a.by > b.by ? -1 : 0));
}

function ByPart(props: Props) {
  const query = rowsQuery(props.question);
  const pages = usePages<UsageRow>(
    JSON.stringify(query),
    (page, signal) =>
      ok(
        api.GET('/api/usage', {
          params: {
            query: { ...query, limit: page.limit, ...(page.cursor ? { cursor: Number(page.cursor) } : {}) },
          },
          signal,
        }),
      ),
    props,
  );
  return <Rows {...props} rows={pages.rows} list={pages} />;
}

function Rows({ question, total, rows, list }: Props & { rows: UsageRow[] | null; list: Fetched }) {
  const { by, split, of } = question;
  const what = BYS.find(({ value }) => value === by)?.label ?? '';
  return (
    <Card
      title={`By ${what.toLowerCase()}`}
      note={by === 'day' || by === 'month' ? 'in UTC' : undefined}
      flush
    >
      <DataTable
        what="usage"
        dense
        columns={columns(question, total)}
        rows={rows}
        list={list}
        keyOf={(row) => `${row.by} ${row.split === null ? '' : `=${row.split}`}`}
        href={(row) => requestsOf(row, question)}
        nameOf={(row) =>
          [nameOf(row, question), split && partOf(row)].filter(Boolean).join(', ').concat(': its requests')
        }
        empty={
          Object.keys(of).length > 0 ? (
            <NoMatch what="requests" onClear={() => setParams({ key: null, model: null, provider: null })} />
          ) : (
            <EmptyState icon="usage" title="Nothing was used in this time">
              Requests are counted here as soon as they have ended.
            </EmptyState>
          )
        }
      />
    </Card>
  );
}

const nameOf = (row: UsageRow, { by }: Question): string =>
  isTime(by) ? timeInWords(row.by) : (row.by_name ?? row.by);

const partOf = (row: UsageRow): string => row.split_name ?? row.split ?? 'Everything else';

function columns(question: Question, total: Sums | null): Column<UsageRow>[] {
  const { by, split } = question;
  const titled: Column<UsageRow>[] = [
    {
      header: BYS.find(({ value }) => value === by)?.label ?? '',
      card: 'title',
      cell: (row) => <Name text={nameOf(row, question)} />,
    },
  ];
  if (split) {
    titled.push({
      header: PARTS.find(({ value }) => value === split)?.label ?? '',
      cell: (row) =>
        row.split === null ? <span class="muted">Everything else</span> : <Name text={partOf(row)} light />,
    });
  }
  return [
    ...titled,
    { header: 'Requests', end: true, cell: (row) => integer(row.requests) },
    { header: 'Failed', end: true, cell: (row) => <Failed row={row} /> },
    { header: 'Tokens in', end: true, cell: (row) => integer(row.input_tokens) },
    { header: 'Tokens out', end: true, cell: (row) => integer(row.output_tokens) },
    {
      header: 'Spent',
      end: true,
      card: 'aside',
      cell: (row) => <Money usd={row.cost_usd} class="font-medium" />,
    },
    { header: 'Share', cell: (row) => <Share row={row} total={total} /> },
  ];
}

const Name = ({ text, light = false }: { text: string; light?: boolean }) => (
  <div class={`max-w-56 truncate ${light ? 'max-md:ml-auto' : 'font-medium'}`} title={text}>
    {text}
  </div>
);

function Failed({ row }: { row: UsageRow }) {
  if (row.errors === 0) return <span class="muted">none</span>;
  return (
    <span class="whitespace-nowrap">
      {integer(row.errors)} <span class="muted">({percent(errorRate(row))})</span>
    </span>
  );
}

/** Of what all of it cost. */
function Share({ row, total }: { row: UsageRow; total: Sums | null }) {
  const of = total === null ? null : share(row.cost_usd, total.cost_usd);
  return (
    <span class="flex items-center gap-2 max-md:justify-end">
      <span class="h-1.5 w-20 overflow-hidden rounded-full bg-base-300" aria-hidden="true">
        <span class="block h-full bg-primary" style={{ width: `${Math.min(100, of ?? 0)}%` }} />
      </span>
      <span class="num w-11 text-right text-xs">{percent(of)}</span>
    </span>
  );
}
