import { expect, it } from 'vitest';
import { clockOf, elsewhereInWords, type Live, sums } from './live';

const live = (more: Partial<Live>) =>
  ({
    phase: 'answering',
    here: true,
    age_s: 10,
    reserved_usd: '0.01',
    cost_estimate_usd: '0.001',
    ...more,
  }) as Live;

it('adds up what is known', () => {
  const rows = [
    live({}),
    live({ age_s: 95, phase: 'waiting', cost_estimate_usd: '0.00', reserved_usd: '0.02' }),
  ];
  expect(sums(rows)).toEqual({
    count: 2,
    elsewhere: 0,
    waiting: 1,
    answering: 1,
    reservedUsd: '0.03',
    burnUsd: '0.006000000',
    oldestS: 95,
  });
});

it('does not call nothing what is not known', () => {
  const unknown = live({ reserved_usd: null, cost_estimate_usd: null, here: false, phase: null });
  expect(sums([unknown])).toMatchObject({ reservedUsd: null, burnUsd: null, elsewhere: 1 });
  expect(sums([])).toMatchObject({ reservedUsd: '0.00', burnUsd: '0', oldestS: null });
});

it('takes no rate from the first moments of a request', () => {
  expect(sums([live({ age_s: 0.001, cost_estimate_usd: '0.01' })]).burnUsd).toBe('0.600000000');
});

it('says how many others serve', () => {
  expect(elsewhereInWords(0)).toBeNull();
  expect(elsewhereInWords(1)).toMatch(/^1 is served by another worker: of it /);
  expect(elsewhereInWords(2)).toMatch(/^2 are served by other workers: of them /);
});

it('tells an age by the clock', () => {
  expect([0.4, 7, 161, 3723].map(clockOf)).toEqual(['0:00', '0:07', '2:41', '1:02:03']);
});
