/** What this page asks of the API. */
import { api, ok, type Schemas } from '../../lib/api/client';

export type Key = Schemas['KeyObject'];
export type IssuedKey = Schemas['IssuedKeyObject'];
export type Pouch = Schemas['PouchObject'];

const at = (id: string) => ({ params: { path: { key_id: id } } });

export const createKey = (body: Schemas['KeyBody']) => ok(api.POST('/api/keys', { body }));
export const showKey = (id: string, signal: AbortSignal) =>
  ok(api.GET('/api/keys/{key_id}', { ...at(id), signal }));
export const changeKey = (id: string, body: Schemas['KeyPatch']) =>
  ok(api.PATCH('/api/keys/{key_id}', { ...at(id), body }));
export const revokeKey = (id: string) => ok(api.DELETE('/api/keys/{key_id}', at(id)));
export const rotateKey = (id: string, grace_s: number) =>
  ok(api.POST('/api/keys/{key_id}/rotate', { ...at(id), body: { grace_s } }));
export const resetKey = (id: string) => ok(api.POST('/api/keys/{key_id}/reset', { ...at(id), body: {} }));
export const thawKey = (id: string) => ok(api.POST('/api/keys/{key_id}/thaw', at(id)));

export const createPouch = (body: Schemas['PouchBody']) => ok(api.POST('/api/pouches', { body }));
export const changePouch = (id: string, body: Schemas['PouchPatch']) =>
  ok(api.PATCH('/api/pouches/{pouch_id}', { params: { path: { pouch_id: id } }, body }));

/** A tree is drawn whole, so it is fetched whole; beyond this many the list says that it is cut off. */
export const POUCHES_MAX = 20_000;

export async function allPouches(signal: AbortSignal): Promise<{ pouches: Pouch[]; more: boolean }> {
  const pouches: Pouch[] = [];
  let cursor: string | undefined;
  do {
    const query = cursor ? { limit: 500, cursor } : { limit: 500 };
    const page = await ok(api.GET('/api/pouches', { params: { query }, signal }));
    pouches.push(...page.data);
    cursor = page.next_cursor ?? undefined;
  } while (cursor && pouches.length < POUCHES_MAX);
  return { pouches, more: Boolean(cursor) };
}

/** The names that a request may ask for, and the providers behind them. */
export async function modelsAndProviders(
  signal: AbortSignal,
): Promise<{ models: string[]; providers: string[] }> {
  const { data } = await ok(api.GET('/api/providers', { signal }));
  const models = data.flatMap((provider) => provider.models);
  return { models: [...new Set(models)].sort(), providers: data.map((provider) => provider.name) };
}
