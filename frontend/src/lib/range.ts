/**
 * A part of all time, as the address has it: `range` names one that ends now; `from` and `to` are days of
 * UTC, both within it, or moments, of which `to` is without it.
 */
import { lastDays } from './days';

export type Span = { since: string; until?: string };
export type Chosen = { range: string | null; from: string | null; to: string | null };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Ranges that end now. Those of days begin with a day of UTC, so that their first bar is whole. */
export const RANGES = [
  { value: '1h', label: 'Last hour', hours: 1 },
  { value: '24h', label: 'Last 24 hours', hours: 24 },
  { value: '7d', label: 'Last 7 days', days: 7 },
  { value: '30d', label: 'Last 30 days', days: 30 },
  { value: '90d', label: 'Last 90 days', days: 90 },
  { value: '365d', label: 'Last 12 months', days: 365 },
] as const;

const DAY = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z$/;

/** A day or a moment that exists; null for all else that an address can hold. */
function instant(text: string | null): string | null {
  if (text === null || !(DAY.test(text) || MOMENT.test(text))) return null;
  return Number.isNaN(Date.parse(text)) ? null : text;
}

/** The day after one of UTC. */
export const dayAfter = (day: string): string =>
  new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10);

/**
 * What the API is asked for. Null where the address names no time, or one that makes no sense. `whole`
 * counts hours of the clock, the one that has begun among them, for sums are kept by those.
 */
export function spanOf({ range, from, to }: Chosen, now: Date, whole = false): Span | null {
  const since = instant(from);
  if (since !== null) {
    const end = instant(to);
    if (end === null) return { since };
    const until = DAY.test(end) ? dayAfter(end) : end;
    return Date.parse(since) < Date.parse(until) ? { since, until } : null;
  }
  const named = RANGES.find((candidate) => candidate.value === range);
  if (!named) return null;
  if ('days' in named) return { since: lastDays(named.days, now)[0] ?? '' };
  if (!whole) return { since: new Date(now.getTime() - named.hours * HOUR_MS).toISOString() };
  return { since: written(now.getTime() - (named.hours - 1) * HOUR_MS, 'hour') };
}

/** How many days a span is long, rounded up. */
export function daysIn({ since, until }: Span, now: Date): number {
  const end = until === undefined ? now.getTime() : Date.parse(until);
  return Math.max(1, Math.ceil((end - Date.parse(since)) / DAY_MS));
}

export type Unit = 'hour' | 'day' | 'month';

/** Every hour, day or month of UTC that a span touches, oldest first, as the API writes them. */
export function timesIn({ since, until }: Span, unit: Unit, now: Date): string[] {
  const end = until === undefined ? now.getTime() : Date.parse(until) - 1;
  const times: string[] = [];
  for (let at = startOf(Date.parse(since), unit); at <= end; at = nextOf(at, unit))
    times.push(written(at, unit));
  return times;
}

function startOf(at: number, unit: Unit): number {
  if (unit === 'month') return Date.parse(`${new Date(at).toISOString().slice(0, 7)}-01`);
  const size = unit === 'hour' ? HOUR_MS : DAY_MS;
  return Math.floor(at / size) * size;
}

function nextOf(at: number, unit: Unit): number {
  if (unit !== 'month') return at + (unit === 'hour' ? HOUR_MS : DAY_MS);
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

function written(at: number, unit: Unit): string {
  const iso = new Date(at).toISOString();
  if (unit === 'hour') return `${iso.slice(0, 13)}:00:00Z`;
  return iso.slice(0, unit === 'day' ? 10 : 7);
}

/** The `from` and `to` that mean the hour, day or month that the API writes so. */
export function within(time: string): { from: string; to: string } {
  if (MOMENT.test(time)) {
    const end = new Date(Date.parse(time) + HOUR_MS).toISOString();
    return { from: time, to: `${end.slice(0, 19)}Z` };
  }
  if (DAY.test(time)) return { from: time, to: time };
  const next = nextOf(Date.parse(`${time}-01`), 'month');
  return { from: `${time}-01`, to: new Date(next - DAY_MS).toISOString().slice(0, 10) };
}

const hours = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayHours = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const shortDays = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const longDays = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});
const months = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' });

/** A time of the API in full: hours in the reader's time zone, days and months in UTC. */
export function timeInWords(time: string): string {
  if (MOMENT.test(time)) return dayHours.format(new Date(time));
  return DAY.test(time) ? longDays.format(new Date(time)) : months.format(new Date(`${time}-01`));
}

/** The same below a bar, as short as can be. `long` is a span of more than two days. */
export function timeInShort(time: string, long = false): string {
  if (MOMENT.test(time)) return (long ? shortDays : hours).format(new Date(time));
  return DAY.test(time) ? shortDays.format(new Date(time)) : months.format(new Date(`${time}-01`));
}
