/** Server-sent events as they come over a `fetch`, however the network cuts them into pieces. */

export type SseMessage =
  | { kind: 'event'; event: string; data: string }
  /** A line that begins with a colon; the gateway tells in one what a stream has cost. */
  | { kind: 'comment'; text: string };

/** The longest line that is kept; a server that sends longer ones sends no events. */
const LINE_LENGTH_MAX = 16 * 1024 * 1024;

/**
 * Takes bytes, gives whole messages. An event that is not yet ended by its empty line is kept back, and is lost
 * where the stream ends in the middle of it, as the standard wants. Throws on a line without an end.
 */
export class SseParser {
  private readonly decoder = new TextDecoder('utf-8');
  private rest = '';
  private event = '';
  private data: string[] = [];

  push(bytes: Uint8Array): SseMessage[] {
    const text = this.rest + this.decoder.decode(bytes, { stream: true });
    // A CR at the end may be half of a CRLF.
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\r|\n/);
    this.rest = (lines.pop() ?? '') + text.slice(whole.length);
    if (this.rest.length > LINE_LENGTH_MAX) throw new Error('The answer is no stream of events.');
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): SseMessage[] {
    if (line === '') return this.dispatch();
    if (line.startsWith(':')) return [{ kind: 'comment', text: line.slice(1).trim() }];
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
    return [];
  }

  private dispatch(): SseMessage[] {
    const { event, data } = this;
    this.event = '';
    this.data = [];
    if (data.length === 0) return [];
    return [{ kind: 'event', event: event || 'message', data: data.join('\n') }];
  }
}

/** The messages of a body, one after the other. Throws what the connection broke with. */
export async function* sseMessages(body: ReadableStream<Uint8Array>): AsyncGenerator<SseMessage> {
  const parser = new SseParser();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    reader.releaseLock();
  }
}
