import { useEffect, useState } from 'preact/hooks';
import { api, ok } from '../../lib/api/client';
import { type Resource, useResource } from '../../lib/api/useResource';
import type { Quote } from './cost';
import type { Ask } from './run';

/** How long after the last letter the gateway is asked. */
const PAUSE_MS = 350;

/** What the gateway would reserve for `ask` now; asked again when that changes, and by `reload`. */
export function useQuote(ask: Ask | null): Resource<Quote> {
  const text = ask === null ? '' : JSON.stringify(ask);
  const [quiet, setQuiet] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setQuiet(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return useResource(
    quiet,
    (signal) => ok(api.POST('/api/playground/quote', { body: JSON.parse(quiet), signal })),
    { enabled: quiet !== '' },
  );
}
