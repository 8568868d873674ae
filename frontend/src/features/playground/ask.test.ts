import { describe, expect, it } from 'vitest';
import { type AskDraft, asCurl, continued, NEW_ASK, problems, requestBody } from './ask';
import { costSoFar } from './cost';
import { asPattern, modelsFor, type Price } from './models';
import { begun } from './run';
import { find, type Settled } from './settled';

const ASK: AskDraft = {
  ...NEW_ASK,
  key: 'key_1',
  model: 'mock',
  messages: [{ role: 'user', content: 'Hi' }],
};

describe('the body', () => {
  it('is what an OpenAI client would send', () => {
    expect(requestBody({ ...ASK, system: 'Be brief.', maxTokens: '50' })).toEqual({
      model: 'mock',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      max_tokens: 50,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('leaves out what is empty, and takes further fields', () => {
    const body = requestBody({ ...ASK, stream: false, more: '{"temperature": 0, "max_tokens": 9}' });
    expect(body).toEqual({ model: 'mock', messages: ASK.messages, temperature: 0, max_tokens: 9 });
  });

  it('is not sent while it cannot be meant', () => {
    expect(problems(ASK)).toEqual({});
    expect(Object.keys(problems({ ...NEW_ASK, maxTokens: '0', more: '[1]' }))).toEqual([
      'key',
      'model',
      'messages',
      'maxTokens',
      'more',
    ]);
  });

  it('goes on with the answer', () => {
    expect(continued(ASK, 'Hello').messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
  });
});

it('is one word of a shell as curl, whatever is asked', () => {
  const curl = asCurl('http://g:1', { ...ASK, messages: [{ role: 'user', content: "it's $HOME `x`" }] });
  expect(curl).toContain("it'\\''s $HOME `x`");
  expect(curl).toContain('Bearer $POUCH_KEY');
});

describe('a glob', () => {
  it('is read as the gateway reads it', () => {
    expect(asPattern('openai/*').test('openai/a/b')).toBe(true);
    expect(asPattern('gpt-?').test('gpt-44')).toBe(false);
    expect(asPattern('gpt-[3-5]').test('gpt-4')).toBe(true);
    expect(asPattern('gpt-[!3-5]').test('gpt-4')).toBe(false);
    expect(asPattern('a.b').test('axb')).toBe(false);
    expect(asPattern('a[b').test('a[b')).toBe(true);
    expect(asPattern('(x)+').test('(x)+')).toBe(true);
  });

  it('keeps models that the key may use, by either of their names', () => {
    const price = (name: string, provider: string, model: string) => ({ name, provider, model }) as Price;
    const all = [price('fast', 'openai', 'gpt'), price('mock', 'mock', 'mock'), price('x/*', 'x', '*')];
    const names = (models: string[] | null, provider: string | null = null) =>
      modelsFor({ models, provider }, all).map(({ name }) => name);
    expect(names(null)).toEqual(['fast', 'mock']);
    expect(names(['openai/*'])).toEqual(['fast']);
    expect(names([])).toEqual([]);
    expect(names(null, 'mock')).toEqual(['mock']);
  });
});

describe('the cost so far', () => {
  const sent = { rates: { input: '1', output: '10' }, bodyBytes: 40 };
  const run = { ...begun(0), phase: 'answering' as const, reservedUsd: '0.0005' };

  it('is of the input at four bytes a token, and of what has come', () => {
    expect(costSoFar({ ...run, pieces: 5 }, sent)).toBe('0.00006');
  });

  it('never passes what is reserved', () => {
    expect(costSoFar({ ...run, pieces: 5000 }, sent)).toBe('0.0005');
  });

  it('is unknown without a price, and before an answer', () => {
    expect(costSoFar(run, { ...sent, rates: null })).toBeNull();
    expect(costSoFar({ ...run, phase: 'waiting' }, sent)).toBeNull();
  });
});

describe('the request in the log', () => {
  const row = (id: string, endpoint = '/api/playground') => ({ id, endpoint }) as Settled;
  const log = [row('req_4', '/v1/chat/completions'), row('req_3'), row('req_1')];

  it('is found by its id', () => {
    expect(find(log, { key: 'k', id: 'req_1', after: null })?.id).toBe('req_1');
    expect(find(log, { key: 'k', id: 'req_2', after: null })).toBeNull();
  });

  it('without one is the newest of the playground, if that came after the one before', () => {
    expect(find(log, { key: 'k', id: null, after: 'req_1' })?.id).toBe('req_3');
    expect(find(log, { key: 'k', id: null, after: 'req_3' })).toBeNull();
  });
});
