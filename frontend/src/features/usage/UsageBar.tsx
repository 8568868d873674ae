import { SelectInput } from '../../components/ui/Inputs';
import { KeyPicker } from '../../components/ui/KeyPicker';
import { useResource } from '../../lib/api/useResource';
import { daysIn, RANGES } from '../../lib/range';
import { param, setParams } from '../../lib/urlState';
import { modelsAndProviders } from '../keys/keys';
import { allows, BYS, DEFAULT_RANGE, PARTS, type Question } from './question';

const FILTERS = ['key', 'model', 'provider'] as const;
const OWN = 'own';

/** The names that there are, and the one of the address where it is none of them. */
function named(every: string, known: string[], chosen: string | undefined) {
  const names = chosen === undefined || known.includes(chosen) ? known : [...known, chosen];
  return [{ value: '', label: every }, ...names.map((name) => ({ value: name, label: name }))];
}

/** What the page asks, all of it in the address. */
export function UsageBar({ question, now }: { question: Question; now: Date }) {
  const { by, split, of, span } = question;
  const { data } = useResource('models', modelsAndProviders);
  const days = daysIn(span, now);
  const isFiltered = FILTERS.some((name) => of[name] !== undefined);
  return (
    <div class="flex flex-wrap items-center gap-2" role="group" aria-label="What is shown">
      <SelectInput
        label="By"
        value={by}
        choices={BYS.filter(({ value }) => value === by || allows(value, days)).map(({ value, label }) => ({
          value,
          label: `By ${label.toLowerCase()}`,
        }))}
        onChoose={(chosen) => setParams({ by: chosen === 'day' ? null : chosen })}
      />
      <SelectInput
        label="Split"
        value={split ?? ''}
        choices={[
          { value: '', label: 'Not split' },
          ...PARTS.filter(({ value }) => value !== by).map(({ value, label }) => ({
            value,
            label: `Split by ${label.toLowerCase()}`,
          })),
        ]}
        onChoose={(chosen) => setParams({ split: chosen })}
      />
      <TimeChoice question={question} />
      <KeyPicker label="Key" chosen={of.key ?? null} onChoose={(key) => setParams({ key })} />
      <SelectInput
        label="Model"
        value={of.model ?? ''}
        choices={named('Every model', data?.models ?? [], of.model)}
        onChoose={(model) => setParams({ model })}
      />
      <SelectInput
        label="Provider"
        value={of.provider ?? ''}
        choices={named('Every provider', data?.providers ?? [], of.provider)}
        onChoose={(provider) => setParams({ provider })}
      />
      {isFiltered && (
        <button
          type="button"
          class="btn btn-ghost btn-sm max-sm:h-11"
          onClick={() => setParams({ key: null, model: null, provider: null })}
        >
          Clear filters
        </button>
      )}
    </div>
  );
}

const dayOf = (moment: string) => moment.slice(0, 10);

function TimeChoice({ question }: { question: Question }) {
  const { span } = question;
  const isOwn = param('from') !== null;
  const first = dayOf(span.since);
  const last = dayOf(
    new Date(span.until === undefined ? Date.now() : Date.parse(span.until) - 1).toISOString(),
  );
  const choose = (chosen: string) => {
    if (chosen === OWN) setParams({ range: null, from: first, to: last });
    else setParams({ range: chosen === DEFAULT_RANGE ? null : chosen, from: null, to: null });
  };
  return (
    <>
      <SelectInput
        label="Time"
        value={isOwn ? OWN : (RANGES.find(({ value }) => value === param('range'))?.value ?? DEFAULT_RANGE)}
        choices={[
          ...RANGES.filter(({ value }) => value !== '1h' || param('range') === value).map(
            ({ value, label }) => ({
              value,
              label,
            }),
          ),
          { value: OWN, label: 'Between two days' },
        ]}
        onChoose={choose}
      />
      {isOwn && (
        <>
          <DayInput label="First day" value={first} max={last} onChoose={(from) => setParams({ from })} />
          <DayInput label="Last day" value={last} min={first} onChoose={(to) => setParams({ to })} />
        </>
      )}
    </>
  );
}

type DayProps = { label: string; value: string; min?: string; max?: string; onChoose: (day: string) => void };

const DayInput = ({ label, value, min, max, onChoose }: DayProps) => (
  <input
    type="date"
    class="input input-sm w-auto max-sm:h-11 max-sm:flex-1"
    aria-label={`${label} (UTC)`}
    value={value}
    min={min}
    max={max}
    onChange={(event) => event.currentTarget.value && onChoose(event.currentTarget.value)}
  />
);
