import { useMemo } from 'preact/hooks';
import { Field } from '../../components/ui/Field';
import { useResource } from '../../lib/api/useResource';
import { usd } from '../../lib/money';
import { allPouches, type Pouch } from './keys';
import { paths } from './tree';

type Props = {
  chosen: string;
  /** Left out with all that lies in it: a pouch cannot lie inside itself. */
  without?: string;
  onChange: (id: string) => void;
};

/** The pouch to lie in, by its way from the outermost one. */
export function PouchSelect({ chosen, without, onChange }: Props) {
  const { data, error } = useResource('pouches', allPouches);
  const choices = useMemo(() => paths(data?.pouches ?? [], without), [data, without]);
  const found = choices.find((choice) => choice.pouch.id === chosen);
  return (
    <Field
      label="Inside the pouch"
      error={error ? `The pouches could not be fetched: ${error.message}` : null}
      hint={
        found
          ? `Each request must fit that pouch too${left(found.pouch)}.`
          : 'A shared budget, such as that of a team, that it draws on too.'
      }
    >
      {(ids) => (
        <select
          {...ids}
          class="select w-full"
          value={chosen}
          onChange={(event) => onChange(event.currentTarget.value)}
        >
          <option value="">{data || error ? 'None' : 'None (the others are being fetched)'}</option>
          {chosen && !found && <option value={chosen}>{chosen}</option>}
          {choices.map(({ pouch, path }) => (
            <option key={pouch.id} value={pouch.id}>
              {path}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

const left = (pouch: Pouch) =>
  pouch.remaining_usd === null ? '' : `: ${usd(pouch.remaining_usd)} are left in it now`;
