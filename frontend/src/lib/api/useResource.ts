import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { sessionEnded } from './client';

export type Resource<T> = {
  /** Null until it is first there; kept while it is fetched again, and when that fails. */
  data: T | null;
  /** Why the last fetch failed; null once one succeeds. */
  error: Error | null;
  loading: boolean;
  /** When `data` came, in milliseconds of the epoch. */
  loadedAt: number | null;
  /** Fetches again; done when that has ended, either way. */
  reload: () => Promise<void>;
};

type Options = {
  /** Fetch again so often, while the page is visible. */
  pollMs?: number;
  /** False fetches nothing. */
  enabled?: boolean;
};

type State<T> = Pick<Resource<T>, 'data' | 'error' | 'loading' | 'loadedAt'>;

/**
 * What `load` fetches, again when `key` changes, by `reload`, by polling, and when a page that polls
 * comes back into view. A newer fetch aborts the one before; what is shown stays until it ends.
 */
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { pollMs, enabled = true }: Options = {},
): Resource<T> {
  const [state, setState] = useState<State<T>>({ data: null, error: null, loading: enabled, loadedAt: null });
  const newest = useRef(load);
  newest.current = load;
  const running = useRef<AbortController | null>(null);

  const reload = useCallback(async () => {
    running.current?.abort();
    const mine = new AbortController();
    running.current = mine;
    setState((before) => ({ ...before, loading: true }));
    try {
      const data = await newest.current(mine.signal);
      if (!mine.signal.aborted) setState({ data, error: null, loading: false, loadedAt: Date.now() });
    } catch (failure) {
      if (mine.signal.aborted) return;
      const error = failure instanceof Error ? failure : new Error(String(failure));
      setState((before) => ({ ...before, error, loading: false }));
    } finally {
      if (running.current === mine) running.current = null;
    }
  }, []);

  // `key` says when `load` asks for something else.
  useEffect(() => {
    if (!enabled) return;
    void reload();
    return () => running.current?.abort();
  }, [key, enabled, reload]);

  useEffect(() => {
    if (!enabled || !pollMs) return;
    const tick = () => {
      // An answer that takes longer than the pause between two would never come.
      if (running.current) return;
      if (document.visibilityState === 'visible' && !sessionEnded.value) void reload();
    };
    const timer = setInterval(tick, pollMs);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [enabled, pollMs, reload]);

  return { ...state, reload };
}
