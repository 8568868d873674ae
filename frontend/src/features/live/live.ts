/** The requests at work, and what they come to together. */
import { api, ok, type Schemas } from '../../lib/api/client';
import { addUsd, roughly } from '../../lib/money';

export type Live = Schemas['LiveObject'];

export const allLive = async (signal: AbortSignal): Promise<Live[]> =>
  (await ok(api.GET('/api/live', { signal }))).data;

export const stopRequest = (id: string) =>
  ok(api.POST('/api/live/{request_id}/stop', { params: { path: { request_id: id } } }));

/** From this age on, in seconds, one would want to know why. */
export const OLD_S = 60;

export type Sums = {
  count: number;
  elsewhere: number;
  waiting: number;
  answering: number;
  /** Null while none of them has said what it reserves. */
  reservedUsd: string | null;
  /** USD a minute, by the estimates of those that answer; null where none has one. */
  burnUsd: string | null;
  oldestS: number | null;
};

export function sums(rows: Live[]): Sums {
  const reserved = rows.flatMap(({ reserved_usd }) => reserved_usd ?? []);
  return {
    count: rows.length,
    elsewhere: rows.filter(({ here }) => !here).length,
    waiting: rows.filter(({ phase }) => phase === 'waiting').length,
    answering: rows.filter(({ phase }) => phase === 'answering').length,
    reservedUsd: reserved.length || !rows.length ? addUsd('0', ...reserved) : null,
    burnUsd: burn(rows),
    oldestS: rows.length ? Math.max(...rows.map(({ age_s }) => age_s)) : null,
  };
}

/** Of each request its cost so far by its age; below a second an age says nothing of a rate. */
function burn(rows: Live[]): string | null {
  const known = rows.filter(({ cost_estimate_usd }) => cost_estimate_usd !== null);
  if (known.length === 0) return rows.length ? null : '0';
  const perMinute = known.reduce(
    (sum, { cost_estimate_usd, age_s }) =>
      sum + (roughly(cost_estimate_usd ?? '0') * 60) / Math.max(age_s, 1),
    0,
  );
  return perMinute.toFixed(9);
}

/** `2 are served by other workers`, or nothing. */
export function elsewhereInWords(count: number): string | null {
  if (count === 0) return null;
  const who = count === 1 ? '1 is served by another worker' : `${count} are served by other workers`;
  return `${who}: of ${count === 1 ? 'it' : 'them'} only the reservation is known here.`;
}

/** Seconds that pass, as a clock shows them: `0:07`, `2:41`, `1:02:03`. */
export function clockOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (part: number) => String(part).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
