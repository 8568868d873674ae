/** The inputs of a toolbar: they filter at once, and have their label inside. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './Icon';

/** How long after the last letter a search begins. */
const PAUSE_MS = 250;

type SearchProps = { label: string; value: string; onSearch: (text: string) => void };

export function SearchInput({ label, value, onSearch }: SearchProps) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const search = (typed: string) => {
    setText(typed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(typed.trim()), PAUSE_MS);
  };
  return (
    <label class="input input-sm w-full sm:w-60 max-sm:h-11">
      <Icon name="search" size={14} class="opacity-70" />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        value={text}
        maxLength={100}
        onInput={(event) => search(event.currentTarget.value)}
      />
    </label>
  );
}

type Choice = { value: string; label: string };
type SelectProps = { label: string; value: string; choices: Choice[]; onChoose: (value: string) => void };

export function SelectInput({ label, value, choices, onChoose }: SelectProps) {
  return (
    <select
      class="select select-sm w-auto min-w-32 max-sm:h-11 max-sm:flex-1"
      aria-label={label}
      value={value}
      onChange={(event) => onChoose(event.currentTarget.value)}
    >
      {choices.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {choice.label}
        </option>
      ))}
    </select>
  );
}
