import { describe, expect, it } from 'vitest';
import type { Price, Story } from './requests';
import { costLines, place, refundable, settlement, timeline } from './story';

const STARTED = '2026-11-28T16:00:00.000Z';

function story(changes: Partial<Story> = {}): Story {
  return {
    id: 'req_1',
    key: 'key_1',
    key_name: 'app',
    model: 'gpt-4o',
    provider: 'openai',
    endpoint: '/v1/chat/completions',
    stream: false,
    status: 200,
    started_at: STARTED,
    latency_ms: 100,
    first_byte_ms: 90,
    reserved_usd: '0.03',
    cost_usd: '0.01',
    refunded_usd: '0.00',
    usage: { input_tokens: 1000, cached_input_tokens: 200, output_tokens: 500, reasoning_tokens: 100 },
    evidence: 'provider_usage',
    price_source: 'pouch.yaml:18',
    error: null,
    reason: null,
    refused_by: null,
    steps: [
      { name: 'rate_limit', ms: 100, own_ms: 10 },
      { name: 'usage_tracking', ms: 90, own_ms: 90 },
    ],
    attempts: [],
    refunds: [],
    ...changes,
  };
}

function attempt(endedAt: string | null): Story['attempts'][number] {
  return {
    reservation: 'req_1.1',
    state: 'settled',
    provider: 'openai',
    model: 'gpt-4o',
    reserved_usd: '0.03',
    cost_usd: '0.01',
    evidence: 'provider_usage',
    price_source: 'pouch.yaml:18',
    started_at: STARTED,
    ended_at: endedAt,
    entries: [
      {
        pouch: 'pouch_1',
        pouch_name: 'app',
        kind: 'reserve',
        spent_usd: '0.00',
        reserved_usd: '0.03',
        reason: null,
        created_at: '2026-11-28T16:00:00.020Z',
      },
    ],
  };
}

describe('what became of a reservation', () => {
  it('is what was charged and what was given back', () => {
    expect(settlement(story())).toEqual({
      reserved: '0.03',
      cost: '0.01',
      givenBack: '0.02',
      over: null,
      refunded: null,
    });
  });

  it('is an overrun where more was charged than reserved', () => {
    expect(settlement(story({ cost_usd: '0.05' }))).toMatchObject({ givenBack: null, over: '0.02' });
  });

  it('is unknown, not nothing, where nothing was reserved', () => {
    expect(settlement(story({ reserved_usd: null, cost_usd: '0.00' }))).toMatchObject({
      reserved: null,
      givenBack: null,
      over: null,
    });
  });

  it('can be refunded as far as it has not been', () => {
    expect(refundable(story({ refunded_usd: '0.004' }))).toBe('0.006');
    expect(refundable(story({ refunded_usd: '0.01' }))).toBeNull();
    expect(refundable(story({ cost_usd: '0.00' }))).toBeNull();
  });
});

describe('the timeline', () => {
  it('puts each step inside the one before it, behind its own time', () => {
    expect(timeline(story())?.bars.map(({ name, from, ownTo, to }) => [name, from, ownTo, to])).toEqual([
      ['rate_limit', 0, 10, 100],
      ['usage_tracking', 10, 100, 100],
    ]);
  });

  it('goes on with the stream after the steps have answered', () => {
    const drawn = timeline(story({ stream: true, latency_ms: 400 }));
    expect(drawn?.total).toBe(400);
    expect(drawn?.bars.at(-1)).toMatchObject({ kind: 'answer', from: 90, to: 400 });
  });

  it('shows how long money was reserved', () => {
    const drawn = timeline(story({ attempts: [attempt('2026-11-28T16:00:00.105Z')] }));
    expect(drawn?.total).toBe(105);
    expect(drawn?.bars.at(-1)).toMatchObject({ kind: 'reservation', from: 20, to: 105, goesOn: false });
  });

  it('keeps the microseconds of short requests', () => {
    const short = { latency_ms: 1, steps: [{ name: 's', ms: 0.8, own_ms: 0.8 }] };
    const drawn = timeline(story({ ...short, attempts: [attempt('2026-11-28T16:00:00.021250Z')] }));
    expect(drawn?.bars.at(-1)?.to).toBeCloseTo(0.92);
    const later = story({ attempts: [attempt('2026-11-28T16:00:00.100250Z')] });
    expect(timeline(later)?.total).toBeCloseTo(100.25);
  });

  it.each(['2026-11-28T18:00:00.000Z', null])(
    'cuts off a reservation that ended long after the request: %s',
    (endedAt) => {
      const drawn = timeline(story({ attempts: [attempt(endedAt)] }));
      expect(drawn?.total).toBeCloseTo(115);
      expect(drawn?.bars.at(-1)).toMatchObject({ from: 20, goesOn: true });
    },
  );

  it('is as long as its steps where they took less than a millisecond', () => {
    const steps = [{ name: 'rate_limit', ms: 0.2, own_ms: 0.2 }];
    expect(timeline(story({ latency_ms: 1, steps }))?.total).toBe(0.2);
  });

  it('is unknown where the process died before it could tell', () => {
    expect(timeline(story({ steps: null }))).toBeNull();
  });

  it('has a width for a request that took no time at all', () => {
    const drawn = timeline(story({ latency_ms: 0, steps: [{ name: 'rate_limit', ms: 0, own_ms: 0 }] }));
    expect(drawn?.total).toBe(1);
    const [bar] = drawn?.bars ?? [];
    expect(bar && place(bar, 1)).toEqual({ left: 0, width: 0.6, own: 100 });
  });
});

it('places a bar within the width, however short it is', () => {
  const bar = { kind: 'step', name: 's', from: 999, to: 1000, ownTo: 999.5, goesOn: false } as const;
  expect(place(bar, 1000)).toEqual({ left: 99.4, width: 0.6, own: 50 });
});

describe('the lines of a cost', () => {
  const rates = {
    input: '2.50',
    cached_input: '1.25',
    cache_write: null,
    audio_input: null,
    image_input: null,
    output: '10.00',
    reasoning: null,
    audio_output: null,
  };
  const price: Price = {
    name: 'gpt-4o',
    provider: 'openai',
    model: 'gpt-4o',
    priced: true,
    rates,
    tiers: [],
    service_tiers: {},
    source: 'pouch.yaml:18',
    max_output_tokens: null,
    context_window: null,
  };

  it('add up to what was charged', () => {
    expect(costLines(story({ cost_usd: '0.00725' }), [price])).toEqual([
      { what: 'Input', tokens: 800, rate: '2.50', cost: '0.002' },
      { what: 'Cached input', tokens: 200, rate: '1.25', cost: '0.00025' },
      { what: 'Output', tokens: 500, rate: '10.00', cost: '0.005' },
    ]);
  });

  it('have reasoning apart where it has a rate of its own', () => {
    const lines = costLines(story({ cost_usd: '0.00825' }), [
      { ...price, rates: { ...rates, reasoning: '20' } },
    ]);
    expect(lines?.at(-1)).toEqual({ what: 'Reasoning', tokens: 100, rate: '20', cost: '0.002' });
  });

  it('are not shown where they would not add up, or the price is another one', () => {
    expect(costLines(story({ cost_usd: '0.00725001' }), [price])).toBeNull();
    expect(costLines(story({ cost_usd: '0.00725' }), [{ ...price, source: 'pouch.yaml:19' }])).toBeNull();
    expect(costLines(story({ cost_usd: '0.00725', usage: null }), [price])).toBeNull();
  });
});
