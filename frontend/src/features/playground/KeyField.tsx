import { useState } from 'preact/hooks';
import { Field } from '../../components/ui/Field';
import { SearchInput } from '../../components/ui/Inputs';
import { api, ok, type Schemas } from '../../lib/api/client';
import { useResource } from '../../lib/api/useResource';
import { usd } from '../../lib/money';

type Key = Schemas['KeyObject'];
type Props = {
  chosen: Key | null;
  /** The keys that were used last. */
  keys: Key[];
  /** There are more than these. */
  more: boolean;
  error?: string | undefined;
  onChoose: (key: Key) => void;
};

const FOUND_MAX = 50;

/** The key that asks. Of many, those used last are offered, and the others are searched for. */
export function KeyField({ chosen, keys, more, error, onChoose }: Props) {
  const [q, setQ] = useState('');
  const search = useResource(
    q,
    (signal) => ok(api.GET('/api/keys', { params: { query: { q, limit: FOUND_MAX } }, signal })),
    { enabled: q !== '' },
  );
  const offered = q === '' ? keys : (search.data?.data ?? []);
  const all = chosen && !offered.some(({ id }) => id === chosen.id) ? [chosen, ...offered] : offered;
  const hint = q && search.data ? `${search.data.data.length} found by “${q}”.` : undefined;
  return (
    <div class="grid grid-cols-1 gap-2">
      <Field label="Key" error={error} hint={hint ?? (chosen ? left(chosen) : undefined)}>
        {(ids) => (
          <select
            {...ids}
            class="select w-full"
            value={chosen?.id ?? ''}
            onChange={(event) => {
              const { value } = event.currentTarget;
              const key = all.find(({ id }) => id === value);
              if (key) onChoose(key);
            }}
          >
            {!chosen && <option value="">Choose a key</option>}
            {all.map((key) => (
              <option key={key.id} value={key.id}>
                {key.status === 'active' ? key.name : `${key.name} (${STATES[key.status] ?? key.status})`}
              </option>
            ))}
          </select>
        )}
      </Field>
      {more && <SearchInput label="Find another key" value={q} onSearch={setQ} />}
    </div>
  );
}

const STATES: Record<string, string> = { capped: 'budget reached' };

function left({ pouch }: Key): string {
  if (pouch.remaining_usd === null) return 'It has no limit of its own.';
  return `${usd(pouch.remaining_usd)} left of ${usd(pouch.limit_usd ?? '0')}.`;
}
