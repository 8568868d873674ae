import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Ask, costOf, play, type Run } from './run';

const ASK: Ask = { key: 'key_1', request: { model: 'mock', messages: [] } };
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'x-request-id': 'req_1',
  'x-pouch-reserved': '0.001',
};
const said = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;

/** A stream of these pieces; the last may be an error, or null for one that never ends. */
function streamed(...pieces: (string | Error | null)[]): Response {
  const encoder = new TextEncoder();
  const left = [...pieces];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift();
      if (piece === null) return new Promise(() => undefined);
      if (piece === undefined) controller.close();
      else if (piece instanceof Error) controller.error(piece);
      else controller.enqueue(encoder.encode(piece));
      return Promise.resolve();
    },
  });
  return new Response(body, { headers: HEADERS });
}

let answer: (init: RequestInit) => Promise<Response>;
beforeEach(() => {
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => answer(init));
});
afterEach(() => vi.unstubAllGlobals());

async function played(response: Response): Promise<{ last: Run; seen: string[] }> {
  answer = async () => response;
  const seen: string[] = [];
  const last = await play(ASK, new AbortController().signal, (run) => seen.push(run.text));
  return { last, seen: [...new Set(seen)] };
}

describe('a stream', () => {
  it('is shown as it grows, with what it cost at its end', async () => {
    const { last, seen } = await played(
      streamed(
        said('Grü'),
        said('ße'),
        'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n',
        'data: [DONE]\n\n',
        ': pouch cost=0.000063 remaining=1.99\n\n',
      ),
    );
    expect(seen).toEqual(['', 'Grü', 'Grüße']);
    expect(last).toMatchObject({
      phase: 'whole',
      pieces: 2,
      requestId: 'req_1',
      reservedUsd: '0.001',
      costUsd: '0.000063',
      remainingUsd: '1.99',
      usage: { input: 3, output: 2 },
    });
  });

  it('that tells an error keeps what came', async () => {
    const { last } = await played(
      streamed(said('Half'), 'data: {"error":{"message":"It broke off.","code":"upstream_error"}}\n\n'),
    );
    expect(last).toMatchObject({
      phase: 'broken',
      text: 'Half',
      error: { message: 'It broke off.', code: 'upstream_error' },
      costUsd: null,
    });
  });

  it('that ends without its terminator is broken, however whole it looks', async () => {
    const { last } = await played(streamed(said('Looks whole.')));
    expect(last).toMatchObject({ phase: 'broken', text: 'Looks whole.', costUsd: null });
    expect(last.error?.message).toContain('before the answer was complete');
  });

  it('whose connection breaks keeps what came', async () => {
    const { last } = await played(streamed(said('Half'), new TypeError('network error')));
    expect(last).toMatchObject({ phase: 'broken', text: 'Half' });
    expect(last.error?.message).toBe('The connection to the gateway broke.');
  });

  it('that is stopped is no error', async () => {
    const controller = new AbortController();
    answer = async ({ signal }) => {
      const response = streamed(said('Half'), null);
      const stopping = new Promise<never>((_, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason)),
      );
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const body = new ReadableStream<Uint8Array>({
        async pull(queue) {
          const { value } = await Promise.race([reader.read(), stopping]);
          if (value) queue.enqueue(value);
        },
      });
      return new Response(body, { headers: HEADERS });
    };
    const last = await play(ASK, controller.signal, (run) => run.text && controller.abort());
    expect(last).toMatchObject({ phase: 'stopped', text: 'Half', error: null, requestId: 'req_1' });
  });

  it('puts calls of tools together from their pieces', async () => {
    const piece = (name: string | undefined, args: string) =>
      `data: ${JSON.stringify({ choices: [{ delta: { tool_calls: [{ index: 0, function: { name, arguments: args } }] } }] })}\n\n`;
    const { last } = await played(
      streamed(
        piece('weather', ''),
        piece(undefined, '{"in":'),
        piece(undefined, '"Oslo"}'),
        'data: [DONE]\n\n',
      ),
    );
    expect(last.calls).toEqual([{ name: 'weather', arguments: '{"in":"Oslo"}' }]);
  });
});

describe('an answer that is no stream', () => {
  it('is shown whole, with the cost of its header', async () => {
    const body = { choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }] };
    const headers = { ...HEADERS, 'content-type': 'application/json', 'x-pouch-cost': '0.0001' };
    const { last } = await played(new Response(JSON.stringify(body), { headers }));
    expect(last).toMatchObject({ phase: 'whole', text: 'Hello', costUsd: '0.0001', usage: null });
  });

  it('is refused with the reason', async () => {
    const error = { message: 'The budget is used up.', code: 'budget_exceeded' };
    const { last } = await played(new Response(JSON.stringify({ error }), { status: 402 }));
    expect(last).toMatchObject({ phase: 'refused', error: { ...error, status: 402 } });
  });

  it('that is a page of HTML is not shown as an answer', async () => {
    const headers = { 'content-type': 'text/html' };
    const { last } = await played(new Response('<h1>Proxy</h1>', { headers }));
    expect(last).toMatchObject({ phase: 'broken', text: '' });
  });

  it('never comes from a gateway that is gone', async () => {
    answer = async () => {
      throw new TypeError('Failed to fetch');
    };
    const last = await play(ASK, new AbortController().signal, () => undefined);
    expect(last).toMatchObject({ phase: 'broken', requestId: null });
    expect(last.error?.message).toBe('The gateway cannot be reached.');
  });
});

it('takes only the gateway’s own comments for a cost', () => {
  expect(costOf('pouch cost=0.5 remaining=1')).toEqual({ costUsd: '0.5', remainingUsd: '1' });
  expect(costOf('pouch cost=0.5')).toEqual({ costUsd: '0.5' });
  expect(costOf('OPENROUTER PROCESSING cost=9')).toEqual({});
});
