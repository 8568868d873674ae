import { useEffect, useState } from 'preact/hooks';
import { type Resource, useResource } from './useResource';

type Slice<Row> = { data: Row[]; next_cursor: string | null };
type Load<Row> = (page: { limit: number; cursor?: string }, signal: AbortSignal) => Promise<Slice<Row>>;

export type Pages<Row> = {
  /** Null until the first page is there. */
  rows: Row[] | null;
  hasMore: boolean;
  loadingMore: boolean;
  loadMore: () => void;
} & Omit<Resource<Slice<Row>>, 'data'>;

const PAGE = 50;
const PAGE_MAX = 500;

/**
 * A cursor-paged list that grows by `loadMore`. Fetching again asks for as many rows as are shown,
 * so polling never shortens what a person has scrolled through.
 */
export function usePages<Row>(key: string, load: Load<Row>, options: { pollMs?: number } = {}): Pages<Row> {
  const [shown, setShown] = useState({ key, count: PAGE });
  const count = shown.key === key ? shown.count : PAGE;
  const list = useResource(`${key} ${count}`, (signal) => upTo(count, load, signal), options);
  const rows = list.data?.data ?? null;
  const [growing, setGrowing] = useState(false);
  useEffect(() => {
    if (!list.loading) setGrowing(false);
  }, [list.loading]);
  const { data, ...rest } = list;
  return {
    ...rest,
    rows,
    hasMore: Boolean(data?.next_cursor),
    loadingMore: growing && list.loading,
    loadMore: () => {
      setGrowing(true);
      setShown({ key, count: count + PAGE });
    },
  };
}

async function upTo<Row>(count: number, load: Load<Row>, signal: AbortSignal): Promise<Slice<Row>> {
  const data: Row[] = [];
  let cursor: string | null = null;
  do {
    const limit = Math.min(count - data.length, PAGE_MAX);
    const slice: Slice<Row> = await load(cursor ? { limit, cursor } : { limit }, signal);
    data.push(...slice.data);
    cursor = slice.next_cursor;
  } while (cursor && data.length < count);
  return { data, next_cursor: cursor };
}
