import { describe, expect, it } from 'vitest';
import {
  dangers,
  isEdited,
  isMoved,
  moved,
  type Planned,
  pipelineYaml,
  plan,
  problemsOf,
  type Step,
  stepYaml,
} from './steps';

const step = (name: string, position: number, more: Partial<Step> = {}) =>
  ({
    name,
    use: name,
    enabled: true,
    position,
    config: {},
    schema: {},
    reserves: false,
    calls_upstream: false,
    ...more,
  }) as Step;

const STEPS = plan([
  step('rate_limit', 0, {
    config: { requests: 60, per_s: 60 },
    schema: {
      properties: {
        requests: { type: 'integer', exclusiveMinimum: 0 },
        per_s: { type: 'number', default: 60 },
      },
      required: ['requests'],
    },
  }),
  step('usage_tracking', 1, { reserves: true }),
  step('mock', 2, { name: 'pretend', enabled: false }),
]);
const [LIMIT, TRACKING, MOCK] = STEPS as [Planned, Planned, Planned];

describe('the lines of a step', () => {
  it('hold what it needs and no defaults', () => {
    expect(stepYaml(LIMIT)).toBe('  - use: rate_limit\n    requests: 60');
  });

  it('hold what was changed', () => {
    const slower = { ...LIMIT, draft: { requests: '5', per_s: '0.5' } };
    expect(stepYaml(slower)).toBe('  - use: rate_limit\n    requests: 5\n    per_s: 0.5');
  });

  it('say its name where it has one of its own, and that it is off', () => {
    expect(stepYaml(MOCK)).toBe('  - use: mock\n    name: pretend\n    enabled: false');
  });

  it('stand in their order', () => {
    expect(pipelineYaml(moved([LIMIT, TRACKING], 0, 1))).toBe(
      'middlewares:\n  - use: usage_tracking\n  - use: rate_limit\n    requests: 60',
    );
  });
});

describe('an edit', () => {
  it('is one where the lines would differ', () => {
    expect(STEPS.some(isEdited)).toBe(false);
    expect(isEdited({ ...LIMIT, enabled: false })).toBe(true);
    expect(isEdited({ ...LIMIT, draft: { ...LIMIT.draft, requests: '61' } })).toBe(true);
  });

  it('of the order goes no further than the ends', () => {
    expect(isMoved(moved(STEPS, 0, 1))).toBe(true);
    expect(isMoved(moved(STEPS, 0, -1))).toBe(false);
    expect(isMoved(moved(STEPS, 2, 1))).toBe(false);
  });

  it('that cannot be meant is told by its field', () => {
    expect(problemsOf({ ...LIMIT, draft: { requests: '' } })).toEqual([
      ['requests', 'It cannot be left out.'],
    ]);
  });
});

describe('a dangerous order', () => {
  it('is one in which nothing is reserved', () => {
    expect(dangers(STEPS)).toEqual([]);
    expect(dangers([LIMIT, { ...TRACKING, enabled: false }])).toHaveLength(1);
  });

  it('is one in which a provider is called before', () => {
    const caller = plan([step('router', 0, { calls_upstream: true })])[0] as Planned;
    expect(dangers([caller, TRACKING])[0]).toContain('“router”');
    expect(dangers([TRACKING, caller])).toEqual([]);
  });
});
