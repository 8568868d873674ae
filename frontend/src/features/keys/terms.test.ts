import { describe, expect, it } from 'vitest';
import type { Key } from './keys';
import {
  budgetDraft,
  inWords,
  keyBody,
  keyDraft,
  keyPatch,
  NEW_KEY,
  NO_BUDGET,
  problems,
  startsAfresh,
} from './terms';

const DRAFT = { ...NEW_KEY, name: 'ci-bot' };
const POUCH = { limit_usd: '5.00', period: 'month', time_zone: 'UTC' } as Key['pouch'];
const KEY = {
  name: 'ci-bot',
  pouch: { ...POUCH, parent: null },
  models: null,
  provider: null,
  rate_limit: null,
  expires_at: '2027-01-01T00:00:00Z',
  auto_renew: false,
} as Key;

describe('a new key', () => {
  it('is sent with a budget in words of the API', () => {
    expect(keyBody(DRAFT)).toMatchObject({
      name: 'ci-bot',
      budget: { limit_usd: '5.00', period: 'month' },
      models: null,
      rate_limit: null,
      expires_at: null,
    });
  });

  it('can have a period of its own, a rate, models and a last day', () => {
    const body = keyBody({
      ...DRAFT,
      budget: { ...NO_BUDGET, limited: false, every: 'custom', count: '6', unit: 'hour' },
      models: ['openai/*'],
      requests: '60',
      window: 'minute',
      expires: '2027-01-01',
    });
    expect(body.budget).toEqual({ limit_usd: null, period: { seconds: 21_600 } });
    expect(body.rate_limit).toEqual({ requests: 60, per_s: 60 });
    expect(new Date(body.expires_at ?? 0).getFullYear()).toBe(2027);
  });

  it('is not sent without a name, or with an amount that is none', () => {
    const wrong = { ...NEW_KEY, name: ' ', budget: { ...NO_BUDGET, limit: '1e5' }, requests: '0' };
    expect(Object.keys(problems(wrong)).sort()).toEqual(['limit', 'name', 'requests']);
    expect(problems(DRAFT)).toEqual({});
  });

  it('is told in a sentence', () => {
    expect(inWords({ ...DRAFT, models: ['a', 'b', 'c', 'd'], requests: '60' })).toBe(
      '“ci-bot” may spend $5.00 a month, on a, b, c and 1 more, at most 60 requests a minute.',
    );
    expect(inWords({ ...DRAFT, budget: { ...NO_BUDGET, every: 'never' } })).toBe(
      '“ci-bot” may spend $5.00 in all, on any model.',
    );
    expect(inWords(NEW_KEY)).toBe('');
  });
});

describe('a changed key', () => {
  const before = keyDraft(KEY);

  it('sends nothing if nothing was changed', () => {
    expect(keyPatch(before, { ...before })).toEqual({});
  });

  it('does not call another spelling of the same amount a change', () => {
    expect(keyPatch(before, { ...before, budget: { ...before.budget, limit: '5' } })).toEqual({});
  });

  it('sends only what was changed, so that an untouched expiry keeps its second', () => {
    const after = { ...before, name: 'ci', budget: { ...before.budget, limit: '7.5' }, models: ['mock'] };
    expect(keyPatch(before, after)).toEqual({ name: 'ci', models: ['mock'], budget: { limit_usd: '7.5' } });
  });

  it('can lose its limit, its period and its expiry', () => {
    const after = {
      ...before,
      expires: '',
      budget: { ...before.budget, limited: false, every: 'never' as const },
    };
    expect(keyPatch(before, after)).toEqual({ expires_at: null, budget: { limit_usd: null, period: null } });
  });

  it('changes its time zone back to UTC', () => {
    const abroad = { ...before, budget: { ...before.budget, timeZone: 'Asia/Tokyo' } };
    expect(keyPatch(abroad, before)).toEqual({ budget: { time_zone: 'UTC' } });
  });
});

describe('a budget', () => {
  it('comes back from the API as it was written', () => {
    expect(budgetDraft({ ...POUCH, period: { seconds: 7200 } })).toMatchObject({
      every: 'custom',
      count: '2',
      unit: 'hour',
    });
    expect(budgetDraft({ ...POUCH, period: null }).every).toBe('never');
  });

  it('says when it starts afresh, and by whose clock', () => {
    expect(startsAfresh({ ...NO_BUDGET, every: 'week' })).toBe('Starts afresh on Monday at midnight, UTC.');
    expect(startsAfresh({ ...NO_BUDGET, timeZone: 'Asia/Tokyo' })).toContain('Asia/Tokyo');
  });
});
