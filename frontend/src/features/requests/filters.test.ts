import { beforeEach, expect, it } from 'vitest';
import { openAt, param, setParams } from '../../lib/urlState';
import { countOf, keyOf, NO_FILTERS, outcomeOf, queryOf, withOutcome } from './filters';

const NOW = new Date('2026-11-28T16:37:00Z');

beforeEach(() => openAt(''));

it('asks for everything where the address says nothing', () => {
  expect(queryOf(param, NOW)).toEqual({});
  expect(countOf(param)).toBe(0);
});

it('asks for what the address says', () => {
  openAt(
    '?key=key_1&model=gpt-4o&failed=true&evidence=held_full&stream=false&status=402&from=2026-11-27&id=req_1',
  );
  expect(queryOf(param, NOW)).toEqual({
    key: 'key_1',
    model: 'gpt-4o',
    failed: true,
    stream: false,
    status: 402,
    evidence: 'held_full',
    since: '2026-11-27',
  });
  expect(countOf(param)).toBe(7);
});

it('leaves out what no request can have, which the API would refuse', () => {
  openAt('?failed=perhaps&stream=1&status=9999&evidence=rumour&range=ever&from=yesterday');
  expect(queryOf(param, NOW)).toEqual({});
});

it('is the same question a minute later, though it asks for another time', () => {
  openAt('?range=1h');
  const before = keyOf(param);
  expect(queryOf(param, NOW).since).toBe('2026-11-28T15:37:00.000Z');
  expect(queryOf(param, new Date('2026-11-28T16:38:00Z')).since).toBe('2026-11-28T15:38:00.000Z');
  expect(keyOf(param)).toBe(before);
});

it.each(['', 'true', 'false', 'error:budget_exceeded', 'error:a:b', 'status:429'])(
  'writes the outcome %s so that it comes back, and takes the others out',
  (chosen) => {
    openAt('?failed=true&error=x&status=500');
    setParams(withOutcome(chosen));
    expect(outcomeOf(param)).toBe(chosen);
  },
);

it('clears every filter and nothing else', () => {
  openAt('?key=key_1&range=7d&id=req_1');
  setParams(NO_FILTERS);
  expect(location.search).toBe('?id=req_1');
});
