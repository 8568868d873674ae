import { useState } from 'preact/hooks';
import { Field } from '../../components/ui/Field';
import { usd } from '../../lib/money';
import type { Price } from './models';

type Props = {
  chosen: string;
  /** What the key may use; null while that is not known. */
  models: Price[] | null;
  error?: string | undefined;
  onChoose: (model: string) => void;
};

const OTHER = '…';

/** A model by its name in pouch.yaml, or by one that only its provider knows. */
export function ModelField({ chosen, models, error, onChoose }: Props) {
  const price = models?.find(({ name }) => name === chosen);
  const [typing, setTyping] = useState(false);
  const written = typing || (chosen !== '' && models !== null && !price);
  return (
    <div class="grid grid-cols-1 gap-2">
      <Field label="Model" error={error} hint={price && perMillion(price)}>
        {(ids) => (
          <select
            {...ids}
            class="select w-full"
            value={written ? OTHER : chosen}
            onChange={(event) => {
              const { value } = event.currentTarget;
              setTyping(value === OTHER);
              onChoose(value === OTHER ? '' : value);
            }}
          >
            {!chosen && !written && <option value="">Choose a model</option>}
            {models?.map(({ name, priced }) => (
              <option key={name} value={name}>
                {priced ? name : `${name} (no price)`}
              </option>
            ))}
            <option value={OTHER}>Another name …</option>
          </select>
        )}
      </Field>
      {written && (
        <input
          class="input w-full"
          aria-label="Name of the model"
          placeholder="provider/model"
          autocomplete="off"
          spellcheck={false}
          maxLength={200}
          value={chosen}
          onInput={(event) => onChoose(event.currentTarget.value)}
        />
      )}
    </div>
  );
}

function perMillion(price: Price): string {
  if (!price.priced) return 'It has no price, so it is refused.';
  const { input, output } = price.rates;
  return `${usd(input)} in, ${usd(output)} out per million.`;
}
