import { Card } from '../../components/ui/Card';
import { type Column, DataTable, type Fetched } from '../../components/ui/DataTable';
import { EmptyState, NoMatch } from '../../components/ui/EmptyState';
import { Icon } from '../../components/ui/Icon';
import { clock, dayOf, moment } from '../../lib/format';
import { setParams, withParams } from '../../lib/urlState';
import { EvidenceBadge, keyName, Outcome, ReservedAndSettled, Tokens, took } from './cells';
import { NO_FILTERS } from './filters';
import type { LoggedRequest } from './requests';

const isToday = (iso: string) => new Date(iso).toDateString() === new Date().toDateString();

function When({ at }: { at: string }) {
  return (
    <time dateTime={at} title={moment(at)} class="num leading-tight whitespace-nowrap">
      <span class="block max-md:inline">{clock(at)}</span>
      {!isToday(at) && <span class="muted block text-xs max-md:inline"> {dayOf(at)}</span>}
    </time>
  );
}

const COLUMNS: Column<LoggedRequest>[] = [
  { header: 'Time', cell: (request) => <When at={request.started_at} /> },
  {
    header: 'Key',
    card: 'title',
    cell: (request) => <div class="max-w-44 truncate font-medium max-md:max-w-none">{keyName(request)}</div>,
  },
  {
    header: 'Model',
    cell: (request) => (
      <div class="max-w-44 leading-tight max-md:ml-auto">
        <div class="truncate" title={request.model}>
          {request.model}
        </div>
        <div class="muted mt-0.5 truncate text-xs max-md:hidden">
          {request.provider}
          {request.stream && ', stream'}
        </div>
      </div>
    ),
  },
  { header: 'Tokens', end: true, cell: (request) => <Tokens usage={request.usage} /> },
  {
    header: 'Reserved → settled',
    end: true,
    cell: (request) => <ReservedAndSettled request={request} />,
  },
  { header: 'Evidence', cell: (request) => <EvidenceBadge code={request.evidence} /> },
  {
    header: 'Latency',
    end: true,
    cell: (request) => <span class="whitespace-nowrap">{took(request.latency_ms)}</span>,
  },
  { header: 'Status', card: 'aside', cell: (request) => <Outcome request={request} /> },
];

type Props = {
  rows: LoggedRequest[] | null;
  list: Fetched;
  filtered: boolean;
  /** How many have come since; beyond 50 nobody counts. */
  newer: number;
  onShowNewer: () => void;
};

/** The log. It stands still while one reads it: what is new is counted, and shown when one asks. */
export function RequestList({ rows, list, filtered, newer, onShowNewer }: Props) {
  return (
    <Card
      title="Requests that have ended"
      flush
      actions={
        <div class="flex min-h-8 flex-wrap items-center gap-2" aria-live="polite">
          {filtered && (
            <button
              type="button"
              class="btn btn-ghost btn-sm max-sm:h-11"
              onClick={() => setParams(NO_FILTERS)}
            >
              <Icon name="close" size={14} />
              Clear filters
            </button>
          )}
          {newer > 0 && (
            <button type="button" class="btn btn-primary btn-sm max-sm:h-11" onClick={onShowNewer}>
              <Icon name="up" size={14} />
              {newer >= 50 ? '50 or more' : newer} new
            </button>
          )}
        </div>
      }
    >
      <DataTable
        what="requests"
        dense
        columns={COLUMNS}
        rows={rows}
        list={list}
        keyOf={(request) => request.id}
        nameOf={(request) => `Open the request of ${keyName(request)} at ${clock(request.started_at)}`}
        href={(request) => `/requests${withParams({ id: request.id })}`}
        onOpen={(request) => setParams({ id: request.id }, 'push')}
        empty={
          filtered ? (
            <NoMatch what="requests" onClear={() => setParams(NO_FILTERS)} />
          ) : (
            <EmptyState
              icon="requests"
              title="No requests yet"
              action={
                <a class="btn btn-sm max-sm:h-11" href="/">
                  How to make the first one
                </a>
              }
            >
              Whatever a key asks for stands here as soon as it has ended, with what it reserved and what it
              cost.
            </EmptyState>
          )
        }
      />
    </Card>
  );
}
