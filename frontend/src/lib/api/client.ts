/** The administration API, with the types that its OpenAPI document gives. */
import { signal } from '@preact/signals';
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** Longer than any report takes; what is slower is told instead of waited for. */
const TIMEOUT_MS = 20_000;

/** A refusal as a page shows it. `code` is the API's, or `unreachable` or `timeout` for none. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly param: string | null = null,
    readonly detail: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

/** The session ended while a page was in use: the shell asks for the token over the page as it stands. */
export const sessionEnded = signal(false);
let hasBeenSignedIn = false;

async function reach(request: Request): Promise<Response> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(request, { signal: AbortSignal.any([request.signal, limit]) });
    if (response.ok) hasBeenSignedIn = true;
    else if (response.status === 401 && !request.url.endsWith('/api/session')) askToSignIn();
    return response;
  } catch (failure) {
    if (request.signal.aborted) throw failure;
    if (limit.aborted) throw new ApiError(0, 'timeout', 'The gateway took too long to answer.');
    throw new ApiError(0, 'unreachable', 'The gateway cannot be reached.');
  }
}

export function askToSignIn(): void {
  if (hasBeenSignedIn) {
    sessionEnded.value = true;
    return;
  }
  const next = location.pathname + location.search;
  location.replace(next === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`);
}

// A same-origin address that is spelled out: a Request needs one outside a browser too.
export const api = createClient<paths>({
  baseUrl: typeof location === 'undefined' ? '/' : location.origin,
  fetch: reach,
});

type Outcome<T> = { data?: T; error?: unknown; response: Response };

/** The answer of a call: `await ok(api.GET('/api/keys'))`. Throws an ApiError where it was refused. */
export async function ok<T>(call: Promise<Outcome<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  throw apiError(response.status, error);
}

/** An error of the API, or of whatever stands before it and speaks no JSON. */
export function apiError(status: number, body: unknown): ApiError {
  const told = (body as { error?: Record<string, unknown> } | undefined)?.error;
  if (typeof told !== 'object' || told === null)
    return new ApiError(status, 'unknown', `The gateway answered ${status}.`);
  const { message, code, param, ...detail } = told;
  return new ApiError(status, String(code), String(message), param ? String(param) : null, detail);
}

/** What to tell a person of a failure. */
export const messageOf = (failure: unknown): string =>
  failure instanceof Error ? failure.message : String(failure);
