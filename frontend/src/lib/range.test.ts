import { describe, expect, it } from 'vitest';
import { daysIn, spanOf, timesIn, within } from './range';

const NOW = new Date('2026-11-28T16:37:00Z');
const none = { range: null, from: null, to: null };

describe('a span of the address', () => {
  it('begins with a whole day of UTC where it is counted in days', () => {
    expect(spanOf({ ...none, range: '7d' }, NOW)).toEqual({ since: '2026-11-22' });
  });

  it('ends now to the moment where it is counted in hours', () => {
    expect(spanOf({ ...none, range: '24h' }, NOW)).toEqual({ since: '2026-11-27T16:37:00.000Z' });
  });

  it('can be of whole hours, the one that has begun among them', () => {
    expect(spanOf({ ...none, range: '24h' }, NOW, true)).toEqual({ since: '2026-11-27T17:00:00Z' });
  });

  it('holds its last day', () => {
    const chosen = { range: null, from: '2026-11-30', to: '2026-11-30' };
    expect(spanOf(chosen, NOW)).toEqual({ since: '2026-11-30', until: '2026-12-01' });
  });

  it('takes moments as they are', () => {
    const chosen = { range: null, from: '2026-11-28T16:00:00Z', to: '2026-11-28T17:00:00Z' };
    expect(spanOf(chosen, NOW)).toEqual({ since: '2026-11-28T16:00:00Z', until: '2026-11-28T17:00:00Z' });
  });

  it.each([
    none,
    { ...none, range: 'for ever' },
    { ...none, from: '2026-13-45' },
    { ...none, from: '<script>' },
    { ...none, from: '2026-11-28', to: '2026-11-01' },
  ])('is none where the address makes no sense: %o', (chosen) => {
    expect(spanOf(chosen, NOW)).toBeNull();
  });
});

it('lists every hour, day and month that a span touches', () => {
  expect(timesIn({ since: '2026-11-28T14:30:00Z' }, 'hour', NOW)).toEqual([
    '2026-11-28T14:00:00Z',
    '2026-11-28T15:00:00Z',
    '2026-11-28T16:00:00Z',
  ]);
  expect(timesIn({ since: '2026-02-27', until: '2026-03-02' }, 'day', NOW)).toEqual([
    '2026-02-27',
    '2026-02-28',
    '2026-03-01',
  ]);
  expect(timesIn({ since: '2025-12-31', until: '2026-02-01' }, 'month', NOW)).toEqual(['2025-12', '2026-01']);
});

it('counts days that have only begun', () => {
  expect(daysIn({ since: '2026-11-27' }, NOW)).toBe(2);
  expect(daysIn({ since: '2026-11-27', until: '2026-11-28' }, NOW)).toBe(1);
});

it.each([
  ['2026-11-28T23:00:00Z', '2026-11-28T23:00:00Z', '2026-11-29T00:00:00Z'],
  ['2026-11-28', '2026-11-28', '2026-11-28'],
  ['2026-02', '2026-02-01', '2026-02-28'],
])('turns %s into the address of its requests', (time, from, to) => {
  expect(within(time)).toEqual({ from, to });
});
