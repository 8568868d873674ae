import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ApiError, api, apiError, ok, sessionEnded } from './client';

const answering = (status: number, body: unknown) =>
  vi.stubGlobal(
    'fetch',
    async () =>
      new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } }),
  );

beforeEach(() => {
  sessionEnded.value = false;
});
afterEach(() => vi.unstubAllGlobals());

it('gives the answer, or throws the refusal with its code, its field and its details', async () => {
  answering(200, { data: [], next_cursor: null });
  expect(await ok(api.GET('/api/keys'))).toEqual({ data: [], next_cursor: null });
  answering(400, { error: { message: 'no', type: 't', code: 'invalid', param: 'name', limit: '5.00' } });
  const refusal = await ok(api.GET('/api/keys')).catch((failure) => failure);
  expect(refusal).toBeInstanceOf(ApiError);
  expect(refusal).toMatchObject({ status: 400, code: 'invalid', param: 'name', detail: { limit: '5.00' } });
});

it('asks for the token again when a session ends in use', async () => {
  answering(200, { data: [], next_cursor: null });
  await ok(api.GET('/api/keys'));
  answering(401, { error: { message: 'no', type: 't', code: 'invalid_api_key', param: null } });
  await expect(ok(api.GET('/api/keys'))).rejects.toThrow('no');
  expect(sessionEnded.value).toBe(true);
});

it('says that the gateway cannot be reached', async () => {
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('Failed to fetch');
  });
  await expect(ok(api.GET('/api/keys'))).rejects.toMatchObject({ code: 'unreachable' });
});

it('understands an answer that is not from the gateway', () => {
  expect(apiError(502, '<html>').message).toBe('The gateway answered 502.');
  expect(apiError(502, null).code).toBe('unknown');
});
