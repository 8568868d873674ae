import { describe, expect, it } from 'vitest';
import { ago, compact, duration, integer, percent, perPeriod, plural, UNKNOWN, until } from './format';

const NOON = Date.parse('2026-11-28T12:00:00Z');

describe('what is unknown', () => {
  it('is a dash, and zero is zero', () => {
    expect([integer(null), duration(null), percent(null), compact(undefined)]).toEqual(
      Array(4).fill(UNKNOWN),
    );
    expect([integer(0), duration(0), percent(0)]).toEqual(['0', '0 ms', '0%']);
  });
});

describe('shares', () => {
  it('never round something to nothing', () => {
    expect([percent(0.04), percent(0.4), percent(12.4), percent(250)]).toEqual([
      '<0.1%',
      '0.4%',
      '12%',
      '250%',
    ]);
  });
});

describe('times', () => {
  it('are told from now', () => {
    expect(ago('2026-11-28T11:59:58Z', NOON)).toBe('just now');
    expect(ago('2026-11-28T11:57:00Z', NOON)).toBe('3m ago');
    expect(ago('2026-11-16T11:00:00Z', NOON)).toBe('12d ago');
    expect(ago(null, NOON)).toBe('never');
    expect(until('2026-11-28T19:30:00Z', NOON)).toBe('in 7h');
    expect(until('2026-11-28T11:00:00Z', NOON)).toBe('due now');
  });

  it('last as long as they last', () => {
    expect([duration(0.0002), duration(0.03)]).toEqual(['1 µs', '30 µs']);
    expect([duration(0.25), duration(840), duration(2400), duration(185_000)]).toEqual([
      '0.25 ms',
      '840 ms',
      '2.4 s',
      '3 m 05 s',
    ]);
  });
});

describe('words', () => {
  it('agree with their number', () => {
    expect([plural(1, 'key'), plural(1200, 'key'), plural(2, 'pouch', 'pouches')]).toEqual([
      '1 key',
      '1,200 keys',
      '2 pouches',
    ]);
  });

  it('name a period', () => {
    expect(perPeriod('month')).toBe('a month');
    expect(perPeriod({ seconds: 3600 })).toBe('an hour');
    expect(perPeriod({ seconds: 21_600 })).toBe('every 6 hours');
    expect(perPeriod(null)).toBe('');
  });
});
