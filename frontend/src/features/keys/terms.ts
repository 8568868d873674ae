/** What a form about a key or a pouch holds, what it sends, and what it means in a sentence. */
import type { Schemas } from '../../lib/api/client';
import { inUnits, type Period, perPeriod } from '../../lib/format';
import { nanos, usd } from '../../lib/money';

type KeyBody = Schemas['KeyBody'];
type KeyPatch = Schemas['KeyPatch'];
type BudgetBody = Schemas['BudgetBody'];

export type Every = 'never' | 'day' | 'week' | 'month' | 'custom';
export type Unit = 'minute' | 'hour' | 'day';
export type Window = 'second' | 'minute' | 'hour' | 'day';

export type BudgetDraft = {
  limited: boolean;
  limit: string;
  every: Every;
  count: string;
  unit: Unit;
  /** Empty is UTC. */
  timeZone: string;
};

export type KeyDraft = {
  name: string;
  budget: BudgetDraft;
  /** The pouch that it is to lie in; empty is none. */
  pouch: string;
  /** Names or globs; none is every model. */
  models: string[];
  /** Empty is any. */
  provider: string;
  /** Requests in a window; empty is what the pipeline allows. */
  requests: string;
  window: Window;
  /** A day, `2027-01-01`, of the reader's own time zone; empty is never. */
  expires: string;
  autoRenew: boolean;
};

const UNIT_S: Record<Unit, number> = { minute: 60, hour: 3600, day: 86_400 };
export const WINDOW_S: Record<Window, number> = { second: 1, minute: 60, hour: 3600, day: 86_400 };
const AMOUNT = /^\d{1,10}(\.\d{1,9})?$/;

export const NO_BUDGET: BudgetDraft = {
  limited: true,
  limit: '5.00',
  every: 'month',
  count: '6',
  unit: 'hour',
  timeZone: '',
};

export const NEW_KEY: KeyDraft = {
  name: '',
  budget: NO_BUDGET,
  pouch: '',
  models: [],
  provider: '',
  requests: '',
  window: 'minute',
  expires: '',
  autoRenew: false,
};

/** Why a draft cannot be sent, by field; empty if it can. The server has the last word. */
export function problems(draft: KeyDraft): Partial<Record<'name' | 'limit' | 'count' | 'requests', string>> {
  const found: ReturnType<typeof problems> = { ...budgetProblems(draft.budget) };
  if (!draft.name.trim()) found.name = 'A name is required.';
  if (draft.requests && !isCount(draft.requests)) found.requests = 'A whole number, at least 1.';
  return found;
}

export function budgetProblems(budget: BudgetDraft): { limit?: string; count?: string } {
  const found: { limit?: string; count?: string } = {};
  if (budget.limited && !AMOUNT.test(budget.limit)) found.limit = 'An amount such as 5 or 0.25.';
  if (budget.every === 'custom' && !isCount(budget.count)) found.count = 'A whole number, at least 1.';
  return found;
}

const isCount = (text: string) => /^[1-9]\d{0,8}$/.test(text);

export function budgetBody(budget: BudgetDraft): BudgetBody {
  const body: BudgetBody = { limit_usd: budget.limited ? budget.limit : null, period: period(budget) };
  if (typeof body.period === 'string' && budget.timeZone) body.time_zone = budget.timeZone;
  return body;
}

function period(budget: BudgetDraft): Period {
  if (budget.every === 'never') return null;
  if (budget.every === 'custom') return { seconds: Number(budget.count) * UNIT_S[budget.unit] };
  return budget.every;
}

export function keyBody(draft: KeyDraft): KeyBody {
  return {
    name: draft.name.trim(),
    budget: budgetBody(draft.budget),
    pouch: draft.pouch || null,
    models: draft.models.length ? draft.models : null,
    provider: draft.provider || null,
    rate_limit: draft.requests ? { requests: Number(draft.requests), per_s: WINDOW_S[draft.window] } : null,
    expires_at: draft.expires ? new Date(`${draft.expires}T23:59:59`).toISOString() : null,
    auto_renew: Boolean(draft.expires) && draft.autoRenew,
  };
}

/** Only what differs: a field that nobody touched is never sent back as this page understood it. */
export function keyPatch(before: KeyDraft, after: KeyDraft): KeyPatch {
  const [old, wanted] = [keyBody(before), keyBody(after)];
  const patch: Record<string, unknown> = {};
  for (const field of Object.keys(wanted) as (keyof KeyBody)[]) {
    if (field === 'budget') continue;
    if (JSON.stringify(old[field]) !== JSON.stringify(wanted[field])) patch[field] = wanted[field];
  }
  const budget = budgetPatch(before.budget, after.budget);
  if (budget) patch.budget = budget;
  return patch as KeyPatch;
}

export function budgetPatch(before: BudgetDraft, after: BudgetDraft): Schemas['BudgetPatch'] | null {
  const [old, wanted] = [budgetBody(before), budgetBody(after)];
  const patch: Schemas['BudgetPatch'] = {};
  if (amount(old.limit_usd) !== amount(wanted.limit_usd)) patch.limit_usd = wanted.limit_usd;
  if (JSON.stringify(old.period) !== JSON.stringify(wanted.period)) patch.period = wanted.period ?? null;
  if (typeof wanted.period === 'string' && (old.time_zone ?? 'UTC') !== (wanted.time_zone ?? 'UTC')) {
    patch.time_zone = wanted.time_zone ?? 'UTC';
  }
  return Object.keys(patch).length ? patch : null;
}

const amount = (limit: string | number | null) => (limit === null ? null : nanos(String(limit)));

/** A budget as the API shows it, as a form shows it. */
export function budgetDraft(
  pouch: Pick<Schemas['PouchObject'], 'limit_usd' | 'period' | 'time_zone'>,
): BudgetDraft {
  const draft: BudgetDraft = {
    ...NO_BUDGET,
    limited: pouch.limit_usd !== null,
    limit: pouch.limit_usd ?? '',
    every: 'never',
    timeZone: pouch.time_zone === 'UTC' ? '' : (pouch.time_zone ?? ''),
  };
  if (typeof pouch.period === 'string') return { ...draft, every: pouch.period };
  if (pouch.period === null) return draft;
  const { count, unit } = inUnits(pouch.period.seconds);
  if (unit === 'second') return { ...draft, every: 'custom', count: String(count / 60), unit: 'minute' };
  return { ...draft, every: 'custom', count: String(count), unit: unit as Unit };
}

export function keyDraft(key: Schemas['KeyObject']): KeyDraft {
  const rate = key.rate_limit;
  const window = (Object.keys(WINDOW_S) as Window[]).find((unit) => WINDOW_S[unit] === rate?.per_s);
  const perMinute = rate && Math.max(1, Math.round((rate.requests * 60) / rate.per_s));
  return {
    name: key.name,
    budget: budgetDraft(key.pouch),
    pouch: key.pouch.parent ?? '',
    models: key.models ?? [],
    provider: key.provider ?? '',
    requests: rate ? String(window ? rate.requests : perMinute) : '',
    window: window ?? 'minute',
    expires: key.expires_at ? localDay(key.expires_at) : '',
    autoRenew: key.auto_renew,
  };
}

/** The day of a moment in the reader's time zone, as a date input has it. */
export function localDay(iso: string): string {
  const at = new Date(iso);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

const STARTS: Record<Every, string> = {
  never: 'What is spent stays spent, until you reset it.',
  day: 'Starts afresh at midnight.',
  week: 'Starts afresh on Monday at midnight.',
  month: 'Starts afresh on the 1st at midnight.',
  custom: 'Counted from the moment that you save it.',
};

/** When a budget starts afresh. */
export function startsAfresh(budget: BudgetDraft): string {
  const zone = budget.timeZone || 'UTC';
  const text = STARTS[budget.every];
  return budget.every === 'never' || budget.every === 'custom' ? text : text.replace(/\.$/, `, ${zone}.`);
}

/** The draft as one sentence: `“ci” may spend $5.00 a month, on gpt-4o-mini, until 1 Jan 2027.` */
export function inWords(draft: KeyDraft): string {
  if (Object.keys(problems(draft)).length) return '';
  const { budget } = draft;
  const parts = [
    budget.limited
      ? [`may spend ${usd(budget.limit)}`, perPeriod(period(budget)) || 'in all'].join(' ')
      : 'may spend without a limit',
  ];
  parts.push(draft.models.length ? `on ${list(draft.models)}` : 'on any model');
  if (draft.provider) parts.push(`at ${draft.provider} only`);
  if (draft.requests) parts.push(`at most ${draft.requests} requests a ${draft.window}`);
  if (draft.expires) parts.push(draft.autoRenew ? 'renewed when it expires' : `until ${draft.expires}`);
  return `“${draft.name.trim()}” ${parts.join(', ')}.`;
}

const list = (names: string[]) =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
