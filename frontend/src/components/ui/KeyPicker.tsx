import { useRef, useState } from 'preact/hooks';
import { api, ok, type Schemas } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';
import { useUniqueId } from '../../lib/useUniqueId';
import { Icon } from './Icon';
import { SearchInput } from './Inputs';
import { Skeleton } from './Skeleton';

type Props = {
  label: string;
  /** The id of the chosen key; null is every key. */
  chosen: string | null;
  onChoose: (id: string | null) => void;
};

const SHOWN = 20;
const GAP_PX = 4;

/** One of any number of keys, found by name; in a toolbar, where none means all of them. */
export function KeyPicker({ label, chosen, onChoose }: Props) {
  const id = `keys${useUniqueId()}`;
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const named = useResource(
    chosen ?? '',
    (signal) => ok(api.GET('/api/keys/{key_id}', { params: { path: { key_id: chosen ?? '' } }, signal })),
    { enabled: chosen !== null },
  );
  const name = named.data?.id === chosen ? named.data?.name : chosen;
  const place = () => {
    const [from, box] = [button.current?.getBoundingClientRect(), list.current];
    if (!from || !box) return;
    box.style.top = `${Math.max(GAP_PX, Math.min(from.bottom + GAP_PX, innerHeight - box.offsetHeight - GAP_PX))}px`;
    box.style.left = `${Math.max(GAP_PX, Math.min(from.left, innerWidth - box.offsetWidth - GAP_PX))}px`;
  };
  const choose = (key: string | null) => {
    list.current?.hidePopover();
    onChoose(key);
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="select select-sm w-auto max-w-52 min-w-32 cursor-pointer text-left max-sm:h-11 max-sm:max-w-none max-sm:flex-1"
        aria-label={`${label}: ${name ?? 'every key'}`}
        popovertarget={id}
      >
        <span class="truncate">{name ?? 'Every key'}</span>
      </button>
      <div
        ref={list}
        id={id}
        popover="auto"
        role="group"
        aria-label={label}
        class="inset-auto m-0 w-72 max-w-[calc(100vw-0.5rem)] rounded-box border border-base-300 bg-base-100 p-2 text-base-content shadow-lg"
        onToggle={(event) => {
          place();
          setOpen((event as unknown as ToggleEvent).newState === 'open');
        }}
      >
        {open && <Choices chosen={chosen} onChoose={choose} />}
      </div>
    </>
  );
}

type ChoicesProps = Pick<Props, 'chosen' | 'onChoose'>;

function Choices({ chosen, onChoose }: ChoicesProps) {
  const [text, setText] = useState('');
  const keys = useResource(text, (signal) => {
    const query = { limit: SHOWN, sort: 'last_used' as const, ...(text ? { q: text } : {}) };
    return ok(api.GET('/api/keys', { params: { query }, signal }));
  });
  const rows: Schemas['KeyObject'][] | null = keys.data?.data ?? null;
  return (
    <>
      <div class="[&>label]:w-full">
        <SearchInput label="Search name or prefix" value={text} onSearch={setText} />
      </div>
      <ul class="mt-2 max-h-72 overflow-y-auto" tabIndex={-1}>
        {text === '' && <Choice name="Every key" chosen={chosen === null} onChoose={() => onChoose(null)} />}
        {rows?.map((key) => (
          <Choice
            key={key.id}
            name={key.name}
            note={`${key.prefix}…`}
            chosen={key.id === chosen}
            onChoose={() => onChoose(key.id)}
          />
        ))}
      </ul>
      {rows === null && !keys.error && (
        <div class="grid gap-2 p-2">
          <Skeleton class="h-4 w-40" />
          <Skeleton class="h-4 w-32" />
        </div>
      )}
      {keys.error && <p class="px-2 py-1 text-sm text-error">{keys.error.message}</p>}
      {rows?.length === 0 && <p class="muted px-2 py-1 text-sm">No key has that in its name.</p>}
      {keys.data?.next_cursor && <p class="muted px-2 pt-1 text-xs">There are more; search for them.</p>}
    </>
  );
}

type ChoiceProps = { name: string; note?: string; chosen: boolean; onChoose: () => void };

const Choice = ({ name, note, chosen, onChoose }: ChoiceProps) => (
  <li>
    <button
      type="button"
      aria-pressed={chosen}
      class="flex w-full cursor-pointer items-center gap-2 rounded-field px-2 py-1.5 text-left text-sm hover:bg-base-200 max-sm:py-3"
      onClick={onChoose}
    >
      <span class="min-w-0 flex-1 truncate">{name}</span>
      {note && <code class="muted text-xs">{note}</code>}
      {chosen && <Icon name="check" size={14} />}
    </button>
  </li>
);
