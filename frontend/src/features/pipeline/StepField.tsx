import { Field } from '../../components/ui/Field';
import { type FieldSpec, shownAs } from './fields';

type Props = {
  field: FieldSpec;
  text: string;
  problem: string | undefined;
  onChange: (text: string) => void;
};
type Ids = { id: string; 'aria-describedby': string; 'aria-invalid': boolean };

/** The input that fits a field of a schema, with what is meant by it and what holds without it. */
export function StepField({ field, text, problem, onChange }: Props) {
  return (
    <Field label={field.name} optional={!field.required} hint={hint(field)} error={problem}>
      {(ids) => <Input field={field} text={text} ids={ids} onChange={onChange} />}
    </Field>
  );
}

function hint({ description, bounds, kind }: FieldSpec): string {
  const notes = [description, bounds && `${bounds.charAt(0).toUpperCase()}${bounds.slice(1)}.`];
  if (kind === 'lines') notes.push('One on each line.');
  if (kind === 'yaml') notes.push('As YAML.');
  if (kind === 'secret')
    notes.push('It is a secret: it stands in the file or the environment, and is not shown.');
  return notes.filter(Boolean).join(' ');
}

/** What holds where the field is left out, in the empty input. */
function fallback(field: FieldSpec): string {
  if (field.fallback === undefined) return '';
  return field.fallback === null ? 'not set' : shownAs(field, field.fallback);
}

function Input({ field, text, ids, onChange }: Omit<Props, 'problem'> & { ids: Ids }) {
  switch (field.kind) {
    case 'flag':
      return (
        <Choice
          ids={ids}
          text={text}
          choices={['true', 'false']}
          empty={fallback(field)}
          onChange={onChange}
        />
      );
    case 'choice':
      return (
        <Choice
          ids={ids}
          text={text}
          choices={field.choices.map(String)}
          empty={fallback(field)}
          onChange={onChange}
        />
      );
    case 'lines':
    case 'yaml':
      return (
        <textarea
          {...ids}
          class="textarea field-sizing-content min-h-16 w-full font-mono text-xs"
          spellcheck={false}
          placeholder={fallback(field)}
          value={text}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'secret':
      return <input {...ids} class="input w-full" disabled value="" placeholder="not shown" />;
    default:
      return (
        <input
          {...ids}
          class={`input w-full ${field.kind === 'text' ? '' : 'num'}`}
          inputMode={field.kind === 'whole' ? 'numeric' : field.kind === 'number' ? 'decimal' : undefined}
          autocomplete="off"
          spellcheck={false}
          placeholder={fallback(field)}
          value={text}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}

type ChoiceProps = {
  ids: Ids;
  text: string;
  choices: string[];
  empty: string;
  onChange: (text: string) => void;
};

function Choice({ ids, text, choices, empty, onChange }: ChoiceProps) {
  return (
    <select
      {...ids}
      class="select w-full"
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      <option value="">{empty ? `Default: ${empty}` : 'Not set'}</option>
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {choice}
        </option>
      ))}
    </select>
  );
}
