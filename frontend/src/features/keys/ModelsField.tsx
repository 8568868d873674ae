import { useState } from 'preact/hooks';
import { Icon } from '../../components/ui/Icon';
import { useUniqueId } from '../../lib/useUniqueId';

type Props = { chosen: string[]; known: string[]; onChange: (models: string[]) => void };

/** Models by name or glob, as a list that grows; none is every model. */
export function ModelsField({ chosen, known, onChange }: Props) {
  const id = useUniqueId();
  const [text, setText] = useState('');
  const add = (written: string) => {
    const names = written.split(/[\s,]+/).filter((name) => name && !chosen.includes(name));
    if (names.length) onChange([...chosen, ...new Set(names)]);
    setText('');
  };
  return (
    <div class="grid min-w-0 grid-cols-1 gap-1.5">
      <label for={id} class="text-sm font-medium">
        Models
      </label>
      <div class="flex gap-2">
        <input
          id={id}
          class="input min-w-0 flex-1"
          list={`${id}-known`}
          placeholder={chosen.length ? 'Add another' : 'Every model'}
          aria-describedby={`${id}-hint`}
          autocomplete="off"
          spellcheck={false}
          maxLength={200}
          value={text}
          onInput={(event) => {
            const typed = event.currentTarget.value;
            // Chosen from the list, or ended with a comma.
            if (known.includes(typed) || typed.endsWith(',')) add(typed);
            else setText(typed);
          }}
          onBlur={() => add(text)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !text) return;
            event.preventDefault();
            add(text);
          }}
        />
        <datalist id={`${id}-known`}>
          {known
            .filter((name) => !chosen.includes(name))
            .map((name) => (
              <option key={name} value={name} />
            ))}
        </datalist>
      </div>
      {chosen.length > 0 && (
        <ul class="flex flex-wrap gap-1.5" aria-label="Chosen models">
          {chosen.map((name) => (
            <li key={name} class="flex items-center rounded-field bg-base-200 pl-2 text-sm">
              <span class="min-w-0 wrap-anywhere">{name}</span>
              <button
                type="button"
                class="btn btn-ghost btn-xs btn-square max-sm:size-11"
                aria-label={`Remove ${name}`}
                onClick={() => onChange(chosen.filter((other) => other !== name))}
              >
                <Icon name="close" size={12} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <p id={`${id}-hint`} class="muted text-xs">
        {chosen.length ? 'It may use these and no others.' : 'It may use every model.'} Globs such as{' '}
        <code>openai/*</code> are fine.
      </p>
    </div>
  );
}
