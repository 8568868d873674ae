import type { Schemas } from '../../lib/api/client';
import { addUsd, isZero, percentOf } from '../../lib/money';
import { within } from '../../lib/range';
import { isTime, type Question } from './question';

export type UsageRow = Schemas['UsageTotal'];
export type Sums = Pick<UsageRow, 'requests' | 'errors' | 'input_tokens' | 'output_tokens' | 'cost_usd'>;

export function total(rows: Sums[]): Sums {
  const sum = (of: 'requests' | 'errors' | 'input_tokens' | 'output_tokens') =>
    rows.reduce((so, row) => so + row[of], 0);
  return {
    requests: sum('requests'),
    errors: sum('errors'),
    input_tokens: sum('input_tokens'),
    output_tokens: sum('output_tokens'),
    cost_usd: addUsd(...rows.map((row) => row.cost_usd)),
  };
}

/** From 0 to 100; null where there is nothing to have a share of. */
export const share = (part: string, whole: string): number | null =>
  isZero(whole) ? null : percentOf(part, whole);

/** How many of a hundred requests failed; null where there were none. */
export const errorRate = ({ requests, errors }: Pick<Sums, 'requests' | 'errors'>): number | null =>
  requests === 0 ? null : (errors * 100) / requests;

/** The address of the requests that a row sums up; null where it sums up what has no name. */
export function requestsOf(row: UsageRow, question: Question): string | null {
  if (question.split !== null && row.split === null) return null;
  const { by, split, span, of } = question;
  const time = isTime(by) ? within(row.by) : spanInAddress(span);
  const filters = {
    ...of,
    ...time,
    ...(isTime(by) ? {} : { [by]: row.by }),
    ...(split ? { [split]: row.split } : {}),
  };
  const named = Object.entries(filters).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return `/requests?${new URLSearchParams(named)}`;
}

/** `until` is exclusive, so where it is a day the address has the one before. */
function spanInAddress({ since, until }: Question['span']): { from: string; to?: string } {
  if (until === undefined) return { from: since };
  if (until.includes('T')) return { from: since, to: until };
  return { from: since, to: new Date(Date.parse(until) - 1).toISOString().slice(0, 10) };
}
