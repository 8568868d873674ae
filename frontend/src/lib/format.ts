/** Numbers, times and periods in words. What is unknown is null, and is shown as a dash, never as 0. */
export const UNKNOWN = '—';

const integers = new Intl.NumberFormat('en-US');
const compacts = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

export const integer = (value: number | null | undefined): string =>
  value == null ? UNKNOWN : integers.format(value);

export const compact = (value: number | null | undefined): string =>
  value == null ? UNKNOWN : compacts.format(value);

/** `1 key`, `2 keys`, `1,200 keys`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${integers.format(count)} ${count === 1 ? one : many}`;

/** A share from 0 to 100: `12%`, `0.4%`, and `<0.1%` rather than a false 0. */
export function percent(value: number | null): string {
  if (value === null) return UNKNOWN;
  if (value > 0 && value < 0.1) return '<0.1%';
  return value < 10 && value % 1 !== 0 ? `${value.toFixed(1)}%` : `${Math.round(value)}%`;
}

/** Milliseconds: `3 µs`, `840 ms`, `2.4 s`, `3 m 05 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms == null) return UNKNOWN;
  if (ms > 0 && ms < 0.1) return `${Math.max(1, Math.round(ms * 1000))} µs`;
  if (ms > 0 && ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10 && ms % 1 !== 0) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
}

const STEPS: [number, string][] = [
  [60, 's'],
  [60, 'm'],
  [24, 'h'],
  [Number.POSITIVE_INFINITY, 'd'],
];

/** A number of seconds in its largest unit: `45s`, `3m`, `7h`, `12d`. */
export function span(seconds: number): string {
  let amount = Math.max(0, Math.floor(seconds));
  for (const [size, unit] of STEPS) {
    if (amount < size) return `${amount}${unit}`;
    amount = Math.floor(amount / size);
  }
  return UNKNOWN;
}

export function ago(iso: string | null, now: number = Date.now()): string {
  if (iso === null) return 'never';
  const seconds = (now - Date.parse(iso)) / 1000;
  return seconds < 5 ? 'just now' : `${span(seconds)} ago`;
}

export const until = (iso: string, now: number = Date.now()): string => {
  const seconds = (Date.parse(iso) - now) / 1000;
  return seconds <= 0 ? 'due now' : `in ${span(seconds)}`;
};

const moments = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const days = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });
const clocks = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** A moment in the reader's own time zone: `28 Nov 2026, 15:04:05`. */
export const moment = (iso: string): string => moments.format(new Date(iso));
export const dayOf = (iso: string): string => days.format(new Date(iso));
export const clock = (iso: string): string => clocks.format(new Date(iso));

export type Period = 'day' | 'week' | 'month' | { seconds: number } | null;

const UNITS: [number, string][] = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** So many seconds as the largest unit that fits without a rest: 7200 is 2 hours. */
export function inUnits(seconds: number): { count: number; unit: string } {
  const [size, unit] = UNITS.find(([size]) => seconds % size === 0) ?? [1, 'second'];
  return { count: seconds / size, unit };
}

/** `a month`, `every 2 hours`: what follows an amount. An empty string is for ever. */
export function perPeriod(period: Period): string {
  if (period === null) return '';
  if (typeof period === 'string') return `a ${period}`;
  const { count, unit } = inUnits(period.seconds);
  return count === 1 ? `${unit === 'hour' ? 'an' : 'a'} ${unit}` : `every ${count} ${unit}s`;
}
