/** What the overview asks of the API. */
import { api, ok, type Schemas } from '../../lib/api/client';

export type Overview = Schemas['OverviewObject'];

export const overview = (signal: AbortSignal) => ok(api.GET('/api/overview', { signal }));

export const newestRequests = (limit: number, signal: AbortSignal) =>
  ok(api.GET('/api/requests', { params: { query: { limit } }, signal }));

/** A model that answers now: one of a real provider that is on, else whatever there is. */
export async function modelToTry(signal: AbortSignal): Promise<string | null> {
  const { data } = await ok(api.GET('/api/providers', { signal }));
  const on = data.filter((provider) => provider.status === 'on' && provider.models.length > 0);
  const best = on.find((provider) => provider.use !== 'mock') ?? on[0];
  return best?.models[0] ?? null;
}
