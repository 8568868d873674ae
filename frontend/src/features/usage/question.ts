/** What the page asks, kept in the address: by what, split by what, of what, and of which time. */
import type { operations } from '../../lib/api/schema';
import { type Chosen, daysIn, type Span, spanOf, type Unit } from '../../lib/range';

export type By = Unit | 'key' | 'model' | 'provider';
export type Part = 'key' | 'model' | 'provider';
export type Query = NonNullable<operations['show_usage']['parameters']['query']>;

export type Question = {
  by: By;
  split: Part | null;
  span: Span;
  of: { key?: string; model?: string; provider?: string };
  /** Hours, days or months: what a bar of the chart is. */
  unit: Unit;
  /** What the bars are stacked by. */
  stack: Part;
};

export const BYS: { value: By; label: string }[] = [
  { value: 'hour', label: 'Hour' },
  { value: 'day', label: 'Day' },
  { value: 'month', label: 'Month' },
  { value: 'key', label: 'Key' },
  { value: 'model', label: 'Model' },
  { value: 'provider', label: 'Provider' },
];
export const PARTS: { value: Part; label: string }[] = [
  { value: 'key', label: 'Key' },
  { value: 'model', label: 'Model' },
  { value: 'provider', label: 'Provider' },
];

export const isTime = (by: By): by is Unit => by === 'hour' || by === 'day' || by === 'month';
export const DEFAULT_RANGE = '30d';

/** Beyond so many days a list of hours, or of days, is longer than one page of the API. */
const HOURS_DAYS_MAX = 31;
const DAYS_MAX = 400;

export function allows(by: By, days: number): boolean {
  return by === 'hour' ? days <= HOURS_DAYS_MAX : by === 'day' ? days <= DAYS_MAX : true;
}

type Read = (name: string) => string | null;

/** The question of the address; what makes no sense there is as if it were not there. */
export function questionOf(read: Read, now: Date): Question {
  const chosen: Chosen = { range: read('range'), from: read('from'), to: read('to') };
  const usual: Chosen = { range: DEFAULT_RANGE, from: null, to: null };
  const span = spanOf(chosen, now, true) ?? spanOf(usual, now, true) ?? { since: now.toISOString() };
  const days = daysIn(span, now);
  const wanted = BYS.find(({ value }) => value === read('by'))?.value ?? 'day';
  const by = allows(wanted, days) ? wanted : coarser(wanted, days);
  const split = PARTS.find(({ value }) => value === read('split'))?.value ?? null;
  const of = { key: read('key'), model: read('model'), provider: read('provider') };
  return {
    by,
    split: split === by ? null : split,
    span,
    of: Object.fromEntries(Object.entries(of).filter(([, value]) => value !== null)),
    unit: isTime(by) ? by : unitFor(days),
    stack: isTime(by) ? (split ?? 'model') : by,
  };
}

const coarser = (by: By, days: number): By => (by === 'hour' && days <= DAYS_MAX ? 'day' : 'month');

/** So that a chart has neither three bars nor three hundred. */
const unitFor = (days: number): Unit => (days <= 2 ? 'hour' : days <= 92 ? 'day' : 'month');

/** The rows of the table, as the API and its file are asked. */
export const rowsQuery = ({ by, split, span, of }: Question): Query => ({
  by,
  ...(split ? { split } : {}),
  ...of,
  ...span,
});

/** All of it by month, of which there are few: what the totals and the shares are of. */
export const totalQuery = ({ span, of }: Question): Query => ({ by: 'month', ...of, ...span });
