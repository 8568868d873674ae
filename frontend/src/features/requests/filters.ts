/** The filters of the list, in the address and as the API is asked. What makes no sense is left out. */
import type { operations } from '../../lib/api/schema';
import { type Chosen, spanOf } from '../../lib/range';
import { EVIDENCES } from './words';

export type Query = NonNullable<operations['list_requests']['parameters']['query']>;

/** The parameters of the address that filter. */
export const FILTERS = [
  'key',
  'model',
  'provider',
  'failed',
  'error',
  'status',
  'evidence',
  'stream',
  'range',
  'from',
  'to',
] as const;

type Read = (name: (typeof FILTERS)[number]) => string | null;

export const times = (read: Read): Chosen => ({
  range: read('range'),
  from: read('from'),
  to: read('to'),
});

/** What the API is asked for at `now`. */
export function queryOf(read: Read, now: Date): Query {
  const status = read('status');
  const evidence = EVIDENCES.find((code) => code === read('evidence'));
  const asked = {
    key: read('key'),
    model: read('model'),
    provider: read('provider'),
    error: read('error'),
    failed: truth(read('failed')),
    stream: truth(read('stream')),
    status: status !== null && /^[1-5]\d\d$/.test(status) ? Number(status) : null,
    evidence: evidence ?? null,
    ...spanOf(times(read), now),
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null)) as Query;
}

const truth = (text: string | null): boolean | null =>
  text === 'true' ? true : text === 'false' ? false : null;

/** The filters as text, which changes when they do and not when time goes on. */
export const keyOf = (read: Read): string => JSON.stringify(FILTERS.map(read));

/** How many things the list is filtered by; a time is one, however it is said. */
export function countOf(read: Read): number {
  const others = FILTERS.filter((name) => !['range', 'from', 'to'].includes(name) && read(name) !== null);
  return others.length + (read('range') !== null || read('from') !== null ? 1 : 0);
}

export const NO_FILTERS: Record<string, null> = Object.fromEntries(FILTERS.map((name) => [name, null]));

/** How a request ended is one choice, but three parameters of the API. */
export function outcomeOf(read: Read): string {
  const status = read('status');
  const error = read('error');
  if (error !== null) return `error:${error}`;
  if (status !== null) return `status:${status}`;
  return read('failed') ?? '';
}

export function withOutcome(chosen: string): Record<'failed' | 'error' | 'status', string | null> {
  const [kind, ...rest] = chosen.split(':');
  const value = rest.join(':');
  return {
    failed: kind === 'true' || kind === 'false' ? kind : null,
    error: kind === 'error' ? value : null,
    status: kind === 'status' ? value : null,
  };
}
