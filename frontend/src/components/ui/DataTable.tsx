import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ErrorState, StaleNote } from './ErrorState';
import { Skeleton } from './Skeleton';

export type Column<Row> = {
  header: string;
  cell: (row: Row) => ComponentChildren;
  /** Numbers stand at the end of their cell. */
  end?: boolean;
  /** Tailwind's class for the width, such as `w-64`. */
  width?: string;
  /** On a phone a row is a card: `title` is its first line, `aside` stands at the right of it, `line`
   * (the default) is a labelled line, `block` takes the whole width, `hidden` is left out. */
  card?: 'title' | 'aside' | 'line' | 'block' | 'hidden';
};

/** A list as it is fetched: `Pages` and `Resource` fit. */
export type Fetched = {
  error: Error | null;
  loadedAt: number | null;
  reload: () => Promise<void>;
  hasMore?: boolean;
  loadingMore?: boolean;
  loadMore?: () => void;
};

type Props<Row> = {
  /** What the rows are, in the plural: "keys". */
  what: string;
  columns: Column<Row>[];
  /** Null until they are first there. */
  rows: Row[] | null;
  list: Fetched;
  keyOf: (row: Row) => string;
  /** Makes the whole row a link to its details; return the address, null for none, and open it in `onOpen`. */
  href?: (row: Row) => string | null;
  onOpen?: (row: Row) => void;
  /** Names the row in the link that opens it. */
  nameOf?: (row: Row) => string;
  /** The row's menu. */
  actions?: (row: Row) => ComponentChildren;
  /** For many narrow columns. */
  dense?: boolean;
  /** Shown where there are no rows: an EmptyState, or a NoMatch if filters are set. */
  empty: ComponentChildren;
};

const WIDE = '(min-width: 48rem)';

/** A table, or on a phone a list of cards, in each of its states: skeleton, empty, failed, stale. */
export function DataTable<Row>(props: Props<Row>) {
  const { rows, list, what, empty } = props;
  const wide = useMedia(WIDE);
  if (rows === null && list.error) {
    return (
      <div class="border-t border-base-300">
        <ErrorState error={list.error} what={what} onRetry={list.reload} />
      </div>
    );
  }
  if (rows?.length === 0) {
    return (
      <div class="border-t border-base-300">
        {list.error && <StaleNote error={list.error} loadedAt={list.loadedAt} onRetry={list.reload} />}
        {empty}
      </div>
    );
  }
  return (
    <>
      {list.error && <StaleNote error={list.error} loadedAt={list.loadedAt} onRetry={list.reload} />}
      {wide ? <Wide {...props} /> : <Cards {...props} />}
      {list.hasMore && list.loadMore && (
        <div class="flex justify-center border-t border-base-300 p-3">
          <button
            type="button"
            class="btn btn-sm max-sm:h-11"
            onClick={list.loadMore}
            disabled={list.loadingMore}
          >
            {list.loadingMore && <span class="loading loading-spinner loading-xs" aria-hidden="true" />}
            Show more
          </button>
        </div>
      )}
    </>
  );
}

const PLACES = [0, 1, 2, 3, 4];

function Wide<Row>({ columns, rows, keyOf, what, actions, dense = false, ...opening }: Props<Row>) {
  const end = (column: Column<Row>) => (column.end ? 'text-right' : '');
  return (
    <div class="overflow-x-auto border-t border-base-300" tabIndex={0} role="group" aria-label={what}>
      <table
        class={`table ${dense ? '[&_:is(td,th)]:px-2.5 [&_:is(td,th):first-child]:pl-4 sm:[&_:is(td,th):first-child]:pl-5' : ''}`}
        aria-busy={rows === null}
      >
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.header}
                scope="col"
                class={`${end(column)} ${column.width ?? ''} text-xs font-medium`}
              >
                {column.header}
              </th>
            ))}
            {actions && (
              <th scope="col" class="w-12">
                <span class="sr-only">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows === null
            ? PLACES.map((place) => (
                <tr key={place}>
                  {columns.map((column) => (
                    <td key={column.header}>
                      <Skeleton class={`h-4 ${column.end ? 'ml-auto w-16' : 'w-24'}`} />
                      {column.card === 'title' && <Skeleton class="mt-1.5 h-3 w-32" />}
                    </td>
                  ))}
                  {actions && <td />}
                </tr>
              ))
            : rows.map((row) => (
                <tr key={keyOf(row)} class={opening.href ? 'relative hover:bg-base-200/70' : ''}>
                  {columns.map((column) => (
                    <td key={column.header} class={`${end(column)} ${column.end ? 'num' : ''}`}>
                      {column.card === 'title' ? (
                        <Opening row={row} {...opening} cell={column.cell} />
                      ) : (
                        column.cell(row)
                      )}
                    </td>
                  ))}
                  {actions && <td class="py-1 text-right">{actions(row)}</td>}
                </tr>
              ))}
        </tbody>
      </table>
    </div>
  );
}

function Cards<Row>({ columns, rows, keyOf, what, actions, ...opening }: Props<Row>) {
  const of = (card: Column<Row>['card']) => columns.filter((column) => (column.card ?? 'line') === card);
  if (rows === null) {
    return (
      <ul class="divide-y divide-base-300 border-t border-base-300" aria-busy="true" aria-label={what}>
        {PLACES.slice(2).map((place) => (
          <li key={place} class="p-4">
            <Skeleton class="h-5 w-40" />
            <Skeleton class="mt-3 h-4 w-full" />
            <Skeleton class="mt-2 h-4 w-2/3" />
          </li>
        ))}
      </ul>
    );
  }
  return (
    <ul class="divide-y divide-base-300 border-t border-base-300" aria-label={what}>
      {rows.map((row) => (
        <li key={keyOf(row)} class="relative grid grid-cols-1 gap-2.5 p-4">
          <div class="flex items-start justify-between gap-2">
            <div class="min-w-0 flex-1">
              {of('title').map((column) => (
                <Opening key={column.header} row={row} {...opening} cell={column.cell} />
              ))}
            </div>
            {of('aside').map((column) => (
              <div key={column.header} class="shrink-0">
                {column.cell(row)}
              </div>
            ))}
            {actions && <div class="-my-2 -mr-2 shrink-0">{actions(row)}</div>}
          </div>
          {of('block').map((column) => (
            <div key={column.header}>{column.cell(row)}</div>
          ))}
          {of('line').length > 0 && (
            <dl class="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm">
              {of('line').map((column) => (
                <div key={column.header} class="contents">
                  <dt class="muted">{column.header}</dt>
                  <dd class="num min-w-0 text-right wrap-anywhere">{column.cell(row)}</dd>
                </div>
              ))}
            </dl>
          )}
        </li>
      ))}
    </ul>
  );
}

type OpeningProps<Row> = Pick<Props<Row>, 'href' | 'onOpen' | 'nameOf'> & {
  row: Row;
  cell: Column<Row>['cell'];
};

/** The first cell, whose link stretches over the whole row; what must be above it is `relative z-10`. */
function Opening<Row>({ row, cell, href, onOpen, nameOf }: OpeningProps<Row>) {
  const address = href?.(row) ?? null;
  if (address === null) return <>{cell(row)}</>;
  const open = (event: MouseEvent) => {
    if (!onOpen || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onOpen(row);
  };
  return (
    <>
      <a href={address} class="absolute inset-0" onClick={open}>
        <span class="sr-only">{nameOf?.(row) ?? 'Details'}</span>
      </a>
      {cell(row)}
    </>
  );
}

/** Whether a media query holds, now and after the window has changed. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const follow = () => setMatches(media.matches);
    media.addEventListener('change', follow);
    return () => media.removeEventListener('change', follow);
  }, [query]);
  return matches;
}
