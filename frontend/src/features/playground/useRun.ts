import { useEffect, useRef, useState } from 'preact/hooks';
import { errorInWords } from '../requests/words';
import { type Ask, BROKEN, begun, play, type Run } from './run';
import { lastPlayed, type Settled, settled } from './settled';

/** What it cost: the row of the log, `pending` while that is awaited, `unknown` if it did not come. */
export type Settlement = Settled | 'pending' | 'unknown' | null;

/** One request at a time. Leaving the page stops it, as closing a connection does. */
export function useRun(): {
  run: Run | null;
  settlement: Settlement;
  send: (ask: Ask) => void;
  stop: () => void;
} {
  const [run, setRun] = useState<Run | null>(null);
  const [settlement, setSettlement] = useState<Settlement>(null);
  const asking = useRef<AbortController | null>(null);
  const page = useRef(new AbortController());
  useEffect(
    () => () => {
      asking.current?.abort();
      page.current.abort();
    },
    [],
  );

  const send = async (ask: Ask) => {
    const mine = new AbortController();
    asking.current?.abort();
    asking.current = mine;
    const isShown = () => asking.current === mine && !page.current.signal.aborted;
    setSettlement(null);
    setRun(begun(performance.now()));
    // Without an id, what is stopped before its first byte is found as the next one of this page.
    const before = await lastPlayed(ask.key, mine.signal).then(
      (id) => ({ id }),
      () => null,
    );
    const wasStoppedAtOnce = mine.signal.aborted;
    const last = await play(ask, mine.signal, (next) => isShown() && setRun(next));
    if (!isShown() || last.costUsd !== null || wasStoppedAtOnce || wasNeverSent(last)) return;
    setSettlement('pending');
    const row = await rowOf(ask.key, last, before, page.current.signal).catch(() => null);
    if (!isShown()) return;
    setSettlement(row ?? 'unknown');
    setRun(row ? withReason(last, row) : last);
  };

  return {
    run,
    settlement,
    send: (ask) => void send(ask),
    stop: () => asking.current?.abort(),
  };
}

/** The row of the log; null where it does not come, or cannot be told from others. */
async function rowOf(
  key: string,
  { requestId }: Run,
  before: { id: string | null } | null,
  signal: AbortSignal,
) {
  if (requestId === null && before === null) return null;
  return settled({ key, id: requestId, after: before?.id ?? null }, signal);
}

/** A browser may drop what came just before a connection broke, and the gateway's last word with it. */
function withReason(run: Run, row: Settled): Run {
  if (run.error?.code !== BROKEN || row.error === null) return run;
  return { ...run, error: { message: `${errorInWords(row.error)}.`, code: row.error, status: null } };
}

/** Refused before it was a request, or the gateway was not reached: there is nothing to settle. */
const wasNeverSent = (run: Run): boolean =>
  run.requestId === null && (run.phase === 'refused' || run.phase === 'broken');
