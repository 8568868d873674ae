/** What a request cost that did not say so itself, read from the log once it is settled there. */
import { api, ok, type Schemas } from '../../lib/api/client';

export type Settled = Schemas['RequestObject'];

/** A request of the playground: by its id, or else the newest of its key since the one before it. */
export type Wanted = { key: string; id: string | null; after: string | null };

const ENDPOINT = '/api/playground';
const LOOKED_AT = 100;
/** An answer that is read on to its usage takes as long as `settlement.drain_s`, which is 30 s. */
const PATIENCE_MS = 45_000;
const PAUSES_MS = [150, 300, 600, 1000];

const newest = async (key: string, signal?: AbortSignal): Promise<Settled[]> =>
  (await ok(api.GET('/api/requests', { params: { query: { key, limit: LOOKED_AT } }, signal }))).data;

/** The newest request that the playground made with a key; null where there is none yet. */
export async function lastPlayed(key: string, signal: AbortSignal): Promise<string | null> {
  return (await newest(key, signal)).find(({ endpoint }) => endpoint === ENDPOINT)?.id ?? null;
}

/** Ids grow with time, so the newest is the greatest. */
export function find(requests: Settled[], { id, after }: Wanted): Settled | null {
  if (id !== null) return requests.find((request) => request.id === id) ?? null;
  const played = requests.find(({ endpoint }) => endpoint === ENDPOINT);
  return played && played.id > (after ?? '') ? played : null;
}

/** Waits until it is settled; null where that takes longer than one would watch. Throws what the log answers. */
export async function settled(wanted: Wanted, signal: AbortSignal): Promise<Settled | null> {
  const until = performance.now() + PATIENCE_MS;
  for (let turn = 0; performance.now() < until; turn++) {
    const request = find(await newest(wanted.key, signal), wanted);
    if (request) return request;
    await pause(PAUSES_MS[Math.min(turn, PAUSES_MS.length - 1)] ?? 1000, signal);
  }
  return null;
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
