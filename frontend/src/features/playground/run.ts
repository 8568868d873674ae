/** One request of the playground, from the moment that it is sent until it is known what it cost. */
import { apiError, askToSignIn, messageOf } from '../../lib/api/client';
import { sseMessages } from '../../lib/sse';

export type Run = {
  phase: 'waiting' | 'answering' | 'whole' | 'stopped' | 'broken' | 'refused';
  text: string;
  /** What the model thought aloud, where its provider tells. */
  reasoning: string;
  calls: ToolCall[];
  /** Pieces of the answer that have come; about one for a token. */
  pieces: number;
  error: { message: string; code: string; status: number | null } | null;
  /** Null until the gateway has said it; it is what the request is called in the log. */
  requestId: string | null;
  reservedUsd: string | null;
  costUsd: string | null;
  remainingUsd: string | null;
  usage: { input: number; output: number } | null;
  finishReason: string | null;
  /** In milliseconds of `performance.now()`. */
  startedAt: number;
  firstByteAt: number | null;
  endedAt: number | null;
};

export type ToolCall = { name: string; arguments: string };

export const begun = (startedAt: number): Run => ({
  phase: 'waiting',
  text: '',
  reasoning: '',
  calls: [],
  pieces: 0,
  error: null,
  requestId: null,
  reservedUsd: null,
  costUsd: null,
  remainingUsd: null,
  usage: null,
  finishReason: null,
  startedAt,
  firstByteAt: null,
  endedAt: null,
});

/** The code of an error that nobody told: the connection ended. */
export const BROKEN = 'unreachable';

export const isOver = (run: Run): boolean => run.phase !== 'waiting' && run.phase !== 'answering';

export type Ask = { key: string; request: Record<string, unknown> };

/** Sends it, and shows how it stands whenever that changes. Never throws: how it ended is in the last. */
export async function play(ask: Ask, signal: AbortSignal, show: (run: Run) => void): Promise<Run> {
  let run = begun(performance.now());
  const change = (changes: Partial<Run>) => {
    run = { ...run, ...changes };
    show(run);
  };
  try {
    const response = await fetch('/api/playground', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask),
      signal,
    });
    change(told(response.headers));
    if (!response.ok) change(await refused(response));
    else if (isStream(response)) await relay(response, () => run, change);
    else change({ ...wholeAnswer(await response.text()), firstByteAt: performance.now() });
  } catch (failure) {
    change(ending(failure, signal, run));
  }
  change({ endedAt: performance.now() });
  return run;
}

function told(headers: Headers): Partial<Run> {
  return {
    requestId: headers.get('x-request-id'),
    reservedUsd: headers.get('x-pouch-reserved'),
    costUsd: headers.get('x-pouch-cost'),
    remainingUsd: headers.get('x-pouch-remaining'),
  };
}

const isStream = (response: Response) =>
  response.body !== null && (response.headers.get('content-type') ?? '').startsWith('text/event-stream');

async function refused(response: Response): Promise<Partial<Run>> {
  const { status } = response;
  // A provider's 401 is passed on with the request's id; the gateway's own, for a session, has none.
  if (status === 401 && !response.headers.has('x-request-id')) askToSignIn();
  const { message, code } = apiError(status, parsed(await response.text()));
  return { phase: 'refused', error: { message, code, status } };
}

function ending(failure: unknown, signal: AbortSignal, run: Run): Partial<Run> {
  if (signal.aborted) return { phase: 'stopped' };
  const network = failure instanceof TypeError;
  const reached = run.requestId !== null;
  const message = network
    ? reached
      ? 'The connection to the gateway broke.'
      : 'The gateway cannot be reached.'
    : messageOf(failure);
  return { phase: 'broken', error: { message, code: network ? BROKEN : 'unreadable', status: null } };
}

function wholeAnswer(text: string): Partial<Run> {
  const body = parsed(text) as Chunk | undefined;
  if (!body?.choices) throw new Error('The answer is not a chat completion.');
  const [choice] = body.choices;
  return {
    phase: 'whole',
    text: textOf(choice?.message?.content),
    reasoning: textOf(choice?.message?.reasoning_content),
    calls: (choice?.message?.tool_calls ?? []).reduce(withCall, []),
    usage: usageOf(body),
    finishReason: choice?.finish_reason ?? null,
  };
}

/** What is read of a chunk, or of a whole answer; any of it may be missing. */
type Chunk = {
  choices?: { delta?: Said; message?: Said; finish_reason?: string | null }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
  error?: { message?: unknown; code?: unknown } | null;
};
type Said = { content?: unknown; reasoning_content?: unknown; tool_calls?: CallPiece[] };
type CallPiece = { index?: number; function?: { name?: string; arguments?: string } };

async function relay(response: Response, now: () => Run, change: (changes: Partial<Run>) => void) {
  const body = response.body as ReadableStream<Uint8Array>;
  let ended = false;
  for await (const message of sseMessages(body)) {
    if (now().firstByteAt === null) change({ firstByteAt: performance.now(), phase: 'answering' });
    if (message.kind === 'comment') change(costOf(message.text));
    else if (message.data === '[DONE]') ended = true;
    else {
      const chunk = parsed(message.data) as Chunk | undefined;
      if (chunk === undefined) throw new Error('The stream holds something else than JSON.');
      if (chunk.error) {
        change({ phase: 'broken', error: errorOf(chunk.error) });
        return;
      }
      change(withChunk(now(), chunk));
    }
  }
  if (ended) change({ phase: 'whole' });
  else throw new Error('The stream ended before the answer was complete.');
}

const errorOf = (error: { message?: unknown; code?: unknown }) => ({
  message: String(error.message ?? 'The answer broke off.'),
  code: String(error.code ?? 'unknown'),
  status: null,
});

/** `pouch cost=0.000063 remaining=1.999937`, the comment that ends a stream. */
export function costOf(comment: string): Partial<Run> {
  if (!comment.startsWith('pouch ')) return {};
  const amount = (name: string) => new RegExp(`\\b${name}=(-?\\d+(?:\\.\\d+)?)`).exec(comment)?.[1];
  const [costUsd, remainingUsd] = [amount('cost'), amount('remaining')];
  return { ...(costUsd && { costUsd }), ...(remainingUsd && { remainingUsd }) };
}

function withChunk(run: Run, chunk: Chunk): Partial<Run> {
  const changes: Partial<Run> = {};
  const usage = usageOf(chunk);
  if (usage) changes.usage = usage;
  const [choice] = chunk.choices ?? [];
  if (choice?.finish_reason) changes.finishReason = choice.finish_reason;
  const said = choice?.delta;
  const [text, reasoning] = [textOf(said?.content), textOf(said?.reasoning_content)];
  if (text) changes.text = run.text + text;
  if (reasoning) changes.reasoning = run.reasoning + reasoning;
  if (said?.tool_calls?.length) changes.calls = said.tool_calls.reduce(withCall, run.calls);
  if (text || reasoning || said?.tool_calls?.length) changes.pieces = run.pieces + 1;
  return changes;
}

function withCall(calls: ToolCall[], piece: CallPiece): ToolCall[] {
  const place = piece.index ?? calls.length;
  const before = calls[place] ?? { name: '', arguments: '' };
  const next = [...calls];
  next[place] = {
    name: before.name + (piece.function?.name ?? ''),
    arguments: before.arguments + (piece.function?.arguments ?? ''),
  };
  return next;
}

const textOf = (content: unknown): string => (typeof content === 'string' ? content : '');

function usageOf({ usage }: Chunk): Run['usage'] {
  if (typeof usage?.prompt_tokens !== 'number' || typeof usage.completion_tokens !== 'number') return null;
  return { input: usage.prompt_tokens, output: usage.completion_tokens };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
