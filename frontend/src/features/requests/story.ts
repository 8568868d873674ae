/** The story of a request as numbers that can be drawn and sums that can be checked. */
import { decimal, isZero, nanos, subtractUsd } from '../../lib/money';
import type { LoggedRequest, Price, Story } from './requests';

/** What became of the reservation. Null is what there was not. */
export type Settlement = {
  reserved: string | null;
  cost: string;
  /** Reserved and not charged. */
  givenBack: string | null;
  /** Charged beyond what was reserved. */
  over: string | null;
  refunded: string | null;
};

export function settlement(
  request: Pick<LoggedRequest, 'reserved_usd' | 'cost_usd' | 'refunded_usd'>,
): Settlement {
  const { reserved_usd: reserved, cost_usd: cost, refunded_usd: refunded } = request;
  const rest = reserved === null ? null : subtractUsd(reserved, cost);
  const isOver = rest?.startsWith('-') ?? false;
  return {
    reserved,
    cost,
    givenBack: rest === null || isOver || isZero(rest) ? null : rest,
    over: rest !== null && isOver ? rest.slice(1) : null,
    refunded: isZero(refunded) ? null : refunded,
  };
}

/** What can still be given back of what was charged; null where that is nothing. */
export function refundable(request: Pick<LoggedRequest, 'cost_usd' | 'refunded_usd'>): string | null {
  const left = subtractUsd(request.cost_usd, request.refunded_usd);
  return nanos(left) > 0n ? left : null;
}

/** Some time of a request, in milliseconds since it began. */
export type TimeBar = {
  kind: 'step' | 'answer' | 'reservation';
  name: string;
  from: number;
  to: number;
  /** Where a step's own time ends and that of the steps inside it begins; for others `to`. */
  ownTo: number;
  /** It went on beyond what is drawn. */
  goesOn: boolean;
};
export type Timeline = { total: number; bars: TimeBar[] };

/** Settlements later than this part of the request's own time are cut off, or they would hide it. */
const AFTER = 0.15;

/**
 * Steps as they lie in each other, then the stream, then how long money was set aside. A step tells
 * how long it took and how much of that was its own; its own time is drawn before what is inside it.
 * Null where nothing is known of the steps.
 */
export function timeline(story: Story): Timeline | null {
  if (story.steps === null) return null;
  const bars: TimeBar[] = [];
  let from = 0;
  for (const step of story.steps) {
    const [ownTo, to] = [from + step.own_ms, from + step.ms];
    bars.push({ kind: 'step', name: step.name, from, to, ownTo: Math.min(ownTo, to), goesOn: false });
    from = ownTo;
  }
  const { first_byte_ms: first, latency_ms: latency } = story;
  if (story.stream && first !== null && latency > first)
    bars.push({ kind: 'answer', name: 'stream', from: first, to: latency, ownTo: latency, goesOn: false });
  const inner = Math.max(0, ...bars.map((bar) => bar.to));
  // The latency is in whole milliseconds, which would hide a request that took less.
  const own = latency - inner < 1 && inner > 0 ? inner : latency;
  const held = story.attempts.map((attempt) => reservation(attempt, story.started_at));
  const total = Math.min(own * (1 + AFTER), Math.max(own, ...held.map((bar) => bar.to))) || 1;
  const cut = held.map((bar) =>
    bar.to > total ? { ...bar, from: Math.min(bar.from, total), to: total, ownTo: total, goesOn: true } : bar,
  );
  return { total, bars: [...bars, ...cut] };
}

function reservation(attempt: Story['attempts'][number], startedAt: string): TimeBar {
  const began = milliseconds(startedAt);
  const reserve = attempt.entries.find((entry) => entry.kind === 'reserve');
  const from = Math.max(0, milliseconds(reserve?.created_at ?? attempt.started_at) - began);
  const ended = attempt.ended_at === null ? Number.POSITIVE_INFINITY : milliseconds(attempt.ended_at) - began;
  const to = Math.max(from, ended);
  return { kind: 'reservation', name: 'money reserved', from, to, ownTo: to, goesOn: false };
}

/** Of the epoch, with the microseconds that a `Date` would drop. */
function milliseconds(iso: string): number {
  const micros = /\.\d{3}(\d{1,3})/.exec(iso)?.[1] ?? '';
  return Date.parse(iso) + Number(micros.padEnd(3, '0')) / 1000;
}

/** Where a bar stands, in percent of the width; nothing is too short to be seen. */
export function place(bar: TimeBar, total: number): { left: number; width: number; own: number } {
  const share = (ms: number) => Math.min(100, Math.max(0, (ms / total) * 100));
  const width = Math.max(share(bar.to - bar.from), 0.6);
  const left = Math.min(share(bar.from), 100 - width);
  const whole = bar.to - bar.from;
  return { left, width, own: whole > 0 ? Math.max(((bar.ownTo - bar.from) / whole) * 100, 0) : 100 };
}

/** One kind of token: how many, at which rate, for how much. */
export type CostLine = { what: string; tokens: number; rate: string; cost: string };

/**
 * How the cost comes about, by the price that is in force now. Null where that is not what was
 * charged to the last digit: the price has changed, or it is one that lines do not explain.
 */
export function costLines(request: LoggedRequest, prices: Price[]): CostLine[] | null {
  const { usage } = request;
  const price = prices.find((candidate) => isOf(candidate, request));
  if (!price || !usage || isZero(request.cost_usd)) return null;
  const { rates } = price;
  const cached = rates.cached_input === null ? 0 : usage.cached_input_tokens;
  const reasoned = rates.reasoning === null ? 0 : usage.reasoning_tokens;
  const lines = [
    { what: 'Input', tokens: usage.input_tokens - cached, rate: rates.input },
    { what: 'Cached input', tokens: cached, rate: rates.cached_input ?? rates.input },
    { what: 'Output', tokens: usage.output_tokens - reasoned, rate: rates.output },
    { what: 'Reasoning', tokens: reasoned, rate: rates.reasoning ?? rates.output },
  ].filter(({ tokens }) => tokens > 0);
  const exact = lines.reduce((sum, { tokens, rate }) => sum + BigInt(tokens) * nanos(rate), 0n);
  if (roundedUp(exact) !== nanos(request.cost_usd)) return null;
  return lines.map((line) => ({
    ...line,
    cost: decimal(roundedUp(BigInt(line.tokens) * nanos(line.rate))),
  }));
}

const isOf = (price: Price, request: LoggedRequest) =>
  price.source === request.price_source &&
  price.provider === request.provider &&
  [price.name, price.model].includes(request.model);

const MILLION = 1_000_000n;
const roundedUp = (millionths: bigint) => (millionths + MILLION - 1n) / MILLION;
