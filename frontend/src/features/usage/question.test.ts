import { beforeEach, describe, expect, it } from 'vitest';
import { openAt, param } from '../../lib/urlState';
import { questionOf, rowsQuery, totalQuery } from './question';
import { errorRate, requestsOf, share, total, type UsageRow } from './sums';

const NOW = new Date('2026-11-28T16:37:00Z');
const asked = (address: string) => {
  openAt(address);
  return questionOf(param, NOW);
};
const row = (changes: Partial<UsageRow>): UsageRow => ({
  by: '2026-11-28',
  by_name: null,
  split: null,
  split_name: null,
  requests: 4,
  errors: 1,
  input_tokens: 10,
  cached_input_tokens: 0,
  output_tokens: 5,
  reasoning_tokens: 0,
  cost_usd: '0.10',
  ...changes,
});

beforeEach(() => openAt(''));

describe('the question of the address', () => {
  it('is the last 30 days by day, stacked by model, where it says nothing', () => {
    const question = asked('');
    expect(rowsQuery(question)).toEqual({ by: 'day', since: '2026-10-30' });
    expect(question).toMatchObject({ unit: 'day', stack: 'model' });
  });

  it('is of a key, split by model, in a time of its own', () => {
    const question = asked('?by=month&split=model&key=key_1&from=2026-01-01&to=2026-01-31');
    const of = { key: 'key_1', since: '2026-01-01', until: '2026-02-01' };
    expect(rowsQuery(question)).toEqual({ by: 'month', split: 'model', ...of });
    expect(totalQuery(question)).toEqual({ by: 'month', ...of });
  });

  it('draws time where the table has keys, stacked by them', () => {
    expect(asked('?by=key&range=24h')).toMatchObject({ by: 'key', unit: 'hour', stack: 'key' });
    expect(asked('?by=key&range=90d')).toMatchObject({ unit: 'day' });
    expect(asked('?by=provider&range=365d')).toMatchObject({ unit: 'month', stack: 'provider' });
  });

  it('is coarser than asked where there would be more hours or days than a page holds', () => {
    expect(asked('?by=hour&range=90d').by).toBe('day');
    expect(asked('?by=day&from=2020-01-01').by).toBe('month');
    expect(asked('?by=hour&from=2020-01-01').by).toBe('month');
  });

  it('never splits by what the rows are already', () => {
    expect(rowsQuery(asked('?by=key&split=key'))).not.toHaveProperty('split');
  });

  it('is the usual one where the address makes no sense', () => {
    expect(asked('?by=moon&split=tide&range=ever&from=now')).toEqual(asked(''));
  });
});

it('sums exactly', () => {
  const sums = total([row({ cost_usd: '0.1' }), row({ cost_usd: '0.2', requests: 1, errors: 0 })]);
  expect(sums).toMatchObject({ requests: 5, errors: 1, cost_usd: '0.30' });
  expect(total([])).toMatchObject({ requests: 0, cost_usd: '0.00' });
});

it('knows no share of nothing and no rate of none', () => {
  expect(share('0.25', '1.00')).toBe(25);
  expect(share('0.00', '1.00')).toBe(0);
  expect(share('0.00', '0.00')).toBeNull();
  expect(errorRate({ requests: 8, errors: 2 })).toBe(25);
  expect(errorRate({ requests: 0, errors: 0 })).toBeNull();
});

describe('the requests of a row', () => {
  it('are those of its day, by the filters of the page', () => {
    const question = asked('?key=key_1');
    expect(requestsOf(row({}), question)).toBe('/requests?key=key_1&from=2026-11-28&to=2026-11-28');
  });

  it('are those of a key in the time of the page', () => {
    const question = asked('?by=key&split=model&from=2026-11-01&to=2026-11-28');
    const address = requestsOf(row({ by: 'key_1', split: 'a&b' }), question);
    expect(address).toBe('/requests?from=2026-11-01&to=2026-11-28&key=key_1&model=a%26b');
  });

  it('have no address where the row sums up all else', () => {
    expect(requestsOf(row({ split: null }), asked('?split=model'))).toBeNull();
  });
});
