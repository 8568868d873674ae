import { describe, expect, it } from 'vitest';
import { type SseMessage, SseParser, sseMessages } from './sse';

const STREAM = [
  'data: {"text":"Grüße 監視 🎉"}\n\n',
  'event: note\r\ndata: first\r\ndata: second\r\n\r\n',
  ': pouch cost=0.000063 remaining=1.99\n\n',
  'id: 7\nretry: 10\ndata:without a space\r\r',
  'data\n\n',
].join('');

const MESSAGES: SseMessage[] = [
  { kind: 'event', event: 'message', data: '{"text":"Grüße 監視 🎉"}' },
  { kind: 'event', event: 'note', data: 'first\nsecond' },
  { kind: 'comment', text: 'pouch cost=0.000063 remaining=1.99' },
  { kind: 'event', event: 'message', data: 'without a space' },
  { kind: 'event', event: 'message', data: '' },
];

const bytes = new TextEncoder().encode(STREAM);

describe('a stream of events', () => {
  it('is read the same wherever it is split in two', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parser = new SseParser();
      const read = [...parser.push(bytes.slice(0, cut)), ...parser.push(bytes.slice(cut))];
      expect(read, `cut at ${cut}`).toEqual(MESSAGES);
    }
  });

  it('is read the same byte by byte', () => {
    const parser = new SseParser();
    expect([...bytes].flatMap((byte) => parser.push(Uint8Array.of(byte)))).toEqual(MESSAGES);
  });

  it('gives no event that was not ended', () => {
    const parser = new SseParser();
    expect(parser.push(new TextEncoder().encode('data: whole\n\ndata: half\n'))).toEqual([
      { kind: 'event', event: 'message', data: 'whole' },
    ]);
  });

  it('drops a byte order mark, and an event without data', () => {
    const parser = new SseParser();
    expect(parser.push(new TextEncoder().encode('\ufeffevent: ping\n\ndata: 1\n\n'))).toEqual([
      { kind: 'event', event: 'message', data: '1' },
    ]);
  });

  it('gives what came before the connection broke, and then says that it did', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (this.sent) controller.error(new TypeError('network error'));
        else controller.enqueue(new TextEncoder().encode('data: 1\n\ndata: 2'));
        this.sent = true;
      },
    } as UnderlyingDefaultSource<Uint8Array> & { sent?: boolean });
    const read: SseMessage[] = [];
    const reading = (async () => {
      for await (const message of sseMessages(broken)) read.push(message);
    })();
    await expect(reading).rejects.toThrow('network error');
    expect(read).toEqual([{ kind: 'event', event: 'message', data: '1' }]);
  });
});
