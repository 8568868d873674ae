import { useState } from 'preact/hooks';
import { useMedia } from '../../components/ui/DataTable';
import { Icon } from '../../components/ui/Icon';
import { SelectInput } from '../../components/ui/Inputs';
import { KeyPicker } from '../../components/ui/KeyPicker';
import { useResource } from '../../lib/api/useResource';
import { RANGES } from '../../lib/range';
import { param, setParams } from '../../lib/urlState';
import { modelsAndProviders } from '../keys/keys';
import { countOf, outcomeOf, withOutcome } from './filters';
import { ERROR_CODES, EVIDENCES, errorInWords, evidence } from './words';

const option = (value: string) => ({ value, label: value });

/** The choices, and the one of the address where it is none of them. */
function choices(every: string, known: { value: string; label: string }[], chosen: string | null) {
  const isKnown = !chosen || known.some(({ value }) => value === chosen);
  return [{ value: '', label: every }, ...known, ...(isKnown || !chosen ? [] : [option(chosen)])];
}

const OUTCOMES = [
  { value: 'false', label: 'Succeeded' },
  { value: 'true', label: 'Failed' },
  ...ERROR_CODES.map((code) => ({ value: `error:${code}`, label: errorInWords(code) })),
];
const STREAMS = [
  { value: 'true', label: 'Streams' },
  { value: 'false', label: 'No streams' },
];

/** The filters of the list, all of them in the address. On a phone they open by a button. */
export function FilterBar() {
  const wide = useMedia('(min-width: 48rem)');
  const [open, setOpen] = useState(false);
  const count = countOf(param);
  return (
    <div class="grid grid-cols-1 gap-3">
      {!wide && (
        <button
          type="button"
          class="btn h-11"
          aria-expanded={open}
          onClick={() => setOpen((before) => !before)}
        >
          <Icon name="filter" />
          Filters{count > 0 && ` (${count})`}
        </button>
      )}
      {(wide || open) && (
        <div class="flex flex-wrap items-center gap-2" role="group" aria-label="Filters">
          <Filters />
        </div>
      )}
    </div>
  );
}

function Filters() {
  const { data } = useResource('models', modelsAndProviders);
  const outcome = outcomeOf(param);
  const [from, to] = [param('from'), param('to')];
  return (
    <>
      <KeyPicker label="Key" chosen={param('key')} onChoose={(key) => setParams({ key })} />
      <SelectInput
        label="Model"
        value={param('model') ?? ''}
        choices={choices('Every model', (data?.models ?? []).map(option), param('model'))}
        onChoose={(model) => setParams({ model })}
      />
      <SelectInput
        label="Provider"
        value={param('provider') ?? ''}
        choices={choices('Every provider', (data?.providers ?? []).map(option), param('provider'))}
        onChoose={(provider) => setParams({ provider })}
      />
      <SelectInput
        label="Outcome"
        value={outcome}
        choices={choices('Every outcome', OUTCOMES, outcome)}
        onChoose={(chosen) => setParams(withOutcome(chosen))}
      />
      <SelectInput
        label="Evidence"
        value={param('evidence') ?? ''}
        choices={choices(
          'Any evidence',
          EVIDENCES.map((code) => ({ value: code, label: evidence(code).word })),
          param('evidence'),
        )}
        onChoose={(chosen) => setParams({ evidence: chosen })}
      />
      <SelectInput
        label="Streams"
        value={param('stream') ?? ''}
        choices={choices('Streams or not', STREAMS, param('stream'))}
        onChoose={(stream) => setParams({ stream })}
      />
      <SelectInput
        label="Time"
        value={from ? 'own' : (param('range') ?? '')}
        choices={[
          { value: '', label: 'Any time' },
          ...RANGES.map(({ value, label }) => ({ value, label })),
          ...(from ? [{ value: 'own', label: to && to !== from ? `${from} to ${to}` : from }] : []),
        ]}
        onChoose={(range) => range !== 'own' && setParams({ range, from: null, to: null })}
      />
    </>
  );
}
