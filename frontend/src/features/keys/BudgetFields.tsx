import { Field } from '../../components/ui/Field';
import { type BudgetDraft, budgetProblems, type Every, startsAfresh, type Unit } from './terms';

type Props = { draft: BudgetDraft; onChange: (draft: BudgetDraft) => void; showProblems: boolean };

const EVERY: [Every, string][] = [
  ['never', 'in all, for ever'],
  ['day', 'a day'],
  ['week', 'a week'],
  ['month', 'a month'],
  ['custom', 'every …'],
];

/** "At most $5.00 a month." */
export function BudgetFields({ draft, onChange, showProblems }: Props) {
  const set = (change: Partial<BudgetDraft>) => onChange({ ...draft, ...change });
  const problems = showProblems ? budgetProblems(draft) : {};
  const calendar = draft.every === 'day' || draft.every === 'week' || draft.every === 'month';
  return (
    <fieldset class="grid grid-cols-1 gap-3">
      <legend class="mb-2 text-sm font-medium">Budget</legend>
      <div class="flex flex-wrap gap-x-6 gap-y-2 text-sm">
        <label class="flex min-h-6 items-center gap-2 max-sm:min-h-11">
          <input
            type="radio"
            class="radio radio-sm radio-primary"
            checked={draft.limited}
            onChange={() => set({ limited: true, limit: draft.limit || '5.00' })}
          />
          At most an amount
        </label>
        <label class="flex min-h-6 items-center gap-2 max-sm:min-h-11">
          <input
            type="radio"
            class="radio radio-sm radio-primary"
            checked={!draft.limited}
            onChange={() => set({ limited: false })}
          />
          No limit of its own
        </label>
      </div>
      <div class="grid grid-cols-1 gap-3 sm:grid-cols-2">
        {draft.limited && (
          <Field label="Limit in USD" error={problems.limit}>
            {(ids) => (
              <label class="input w-full">
                <span class="muted">$</span>
                <input
                  {...ids}
                  inputMode="decimal"
                  autocomplete="off"
                  class="num"
                  value={draft.limit}
                  onInput={(event) => set({ limit: event.currentTarget.value.trim() })}
                />
              </label>
            )}
          </Field>
        )}
        <Field label={draft.limited ? 'How often' : 'Counted'} hint={startsAfresh(draft)}>
          {(ids) => (
            <select
              {...ids}
              class="select w-full"
              value={draft.every}
              onChange={(event) => set({ every: event.currentTarget.value as Every })}
            >
              {EVERY.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
        {draft.every === 'custom' && (
          <Field label="Every" error={problems.count}>
            {(ids) => (
              <div class="flex gap-2">
                <input
                  {...ids}
                  inputMode="numeric"
                  class="input num w-20"
                  value={draft.count}
                  onInput={(event) => set({ count: event.currentTarget.value.trim() })}
                />
                <select
                  class="select min-w-0 flex-1"
                  aria-label="Unit"
                  value={draft.unit}
                  onChange={(event) => set({ unit: event.currentTarget.value as Unit })}
                >
                  <option value="minute">minutes</option>
                  <option value="hour">hours</option>
                  <option value="day">days</option>
                </select>
              </div>
            )}
          </Field>
        )}
        {calendar && (
          <Field label="Time zone" hint="Whose midnight it is.">
            {(ids) => (
              <select
                {...ids}
                class="select w-full"
                value={draft.timeZone}
                onChange={(event) => set({ timeZone: event.currentTarget.value })}
              >
                <option value="">UTC</option>
                {zones(draft.timeZone).map((zone) => (
                  <option key={zone} value={zone}>
                    {zone.replaceAll('_', ' ')}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
      </div>
    </fieldset>
  );
}

/** Every zone that the browser knows, the reader's own first, and the one that is set. */
function zones(chosen: string): string[] {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const first = [own, chosen].filter((zone) => zone && zone !== 'UTC');
  return [...new Set([...first, ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')])];
}
