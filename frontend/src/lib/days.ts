const DAY_MS = 86_400_000;

/** The last `count` days of UTC up to the one of `now`, oldest first: `2026-11-28`. */
export function lastDays(count: number, now: Date): string[] {
  const day = (back: number) => new Date(now.getTime() - back * DAY_MS).toISOString().slice(0, 10);
  return Array.from({ length: count }, (_, place) => day(count - 1 - place));
}

/** `28 Nov`, of a day of UTC. */
export const shortDay = (day: string): string =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString('en-GB', {
    month: 'short',
    day: 'numeric',
    timeZone: 'UTC',
  });
