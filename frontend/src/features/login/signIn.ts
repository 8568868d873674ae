import { api, ok } from '../../lib/api/client';

/** Exchanges the admin token for the session's cookie. Throws an ApiError where it is refused. */
export async function signIn(token: string): Promise<void> {
  await ok(api.POST('/api/session', { body: { token: token.trim() } }));
}

export async function signOut(): Promise<void> {
  await ok(api.DELETE('/api/session'));
  location.assign('/login');
}

/** Where to go after signing in: an address of this site, whatever the query string claims. */
export function destination(next: string | null, origin: string): string {
  if (!next?.startsWith('/')) return '/';
  try {
    const target = new URL(next, origin);
    if (target.origin !== origin || target.pathname === '/login') return '/';
    return target.pathname + target.search;
  } catch {
    return '/';
  }
}
