/** What an answer has cost so far, by a rule of thumb; what it did cost, the gateway says. */
import type { Schemas } from '../../lib/api/client';
import { decimal, nanos } from '../../lib/money';
import type { Run } from './run';

export type Quote = Schemas['QuoteObject'];

const BYTES_PER_TOKEN = 4;
const MILLION = 1_000_000n;

/** What is known of a request when it is sent: USD per million tokens, and the size of its body. */
export type Sent = { rates: { input: string; output: string } | null; bodyBytes: number };

/** Tokens so far: one for each piece, or one for four characters, if those are more. */
export function outputTokens(run: Run): number {
  if (run.usage) return run.usage.output;
  const characters = run.text.length + run.reasoning.length;
  return Math.max(run.pieces, Math.ceil(characters / BYTES_PER_TOKEN));
}

/** USD so far, never above what is reserved; null where no price is known. */
export function costSoFar(run: Run, { rates, bodyBytes }: Sent): string | null {
  if (rates === null || run.phase === 'waiting') return null;
  const input = run.usage?.input ?? Math.ceil(bodyBytes / BYTES_PER_TOKEN);
  const perMillion = BigInt(input) * nanos(rates.input) + BigInt(outputTokens(run)) * nanos(rates.output);
  const cost = (perMillion + MILLION - 1n) / MILLION;
  const most = run.reservedUsd === null ? cost : nanos(run.reservedUsd);
  return decimal(cost < most ? cost : most);
}
