import { useMemo, useState } from 'preact/hooks';
import { BudgetBar } from '../../components/ui/BudgetBar';
import { Card } from '../../components/ui/Card';
import { EmptyState } from '../../components/ui/EmptyState';
import { ErrorState, StaleNote } from '../../components/ui/ErrorState';
import { Icon } from '../../components/ui/Icon';
import { Menu } from '../../components/ui/Menu';
import { Skeleton } from '../../components/ui/Skeleton';
import type { Resource } from '../../lib/api/useResource';
import { perPeriod, plural } from '../../lib/format';
import { asked } from './dialogs';
import { POUCHES_MAX, type Pouch } from './keys';
import { isKeysOwn, type Node, tree } from './tree';

type Props = { pouches: Resource<{ pouches: Pouch[]; more: boolean }> };

/** Every pouch below the one that it lies in. */
export function PouchTree({ pouches }: Props) {
  const { data, error, reload, loadedAt } = pouches;
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string) => {
    const next = new Set(closed);
    if (!next.delete(id)) next.add(id);
    setClosed(next);
  };
  const nodes = useMemo(() => tree(data?.pouches ?? []), [data]);
  return (
    <Card title="Pouches" note={data && plural(data.pouches.length, 'pouch', 'pouches')} flush>
      {error && data && <StaleNote error={error} loadedAt={loadedAt} onRetry={reload} />}
      {error && !data && <ErrorState error={error} what="pouches" onRetry={reload} />}
      {!error && !data && <Loading />}
      {data && nodes.length === 0 && (
        <EmptyState icon="pouch" title="No pouches yet">
          Each key gets a pouch of its own. Make one for a team or a project, and let keys share its budget.
        </EmptyState>
      )}
      {nodes.length > 0 && <Branches nodes={nodes} closed={closed} onToggle={toggle} />}
      {data?.more && (
        <p class="muted border-t border-base-300 px-5 py-3 text-sm">
          Only the newest {plural(POUCHES_MAX, 'pouch', 'pouches')} are shown.
        </p>
      )}
    </Card>
  );
}

const Loading = () => (
  <div class="border-t border-base-300" aria-busy="true">
    {[0, 1, 2].map((place) => (
      <div key={place} class="flex items-center gap-6 border-b border-base-300 px-5 py-4 last:border-0">
        <Skeleton class="h-4 w-40" />
        <Skeleton class="ml-auto h-4 w-64" />
      </div>
    ))}
  </div>
);

type Closing = { closed: ReadonlySet<string>; onToggle: (id: string) => void };

/** So many are drawn at a time: a pouch can hold thousands of keys. */
const STEP = 50;
/** Deeper than this, indentation would leave no room on a phone. */
const INDENTED_MAX = 5;

function Branches({ nodes, ...closing }: { nodes: Node[] } & Closing) {
  const [count, setCount] = useState(STEP);
  const shown = nodes.slice(0, count);
  return (
    <ul class="border-t border-base-300">
      {shown.map((node) => (
        <Branch key={node.pouch.id} node={node} {...closing} />
      ))}
      {shown.length < nodes.length && (
        <li class="flex justify-center p-3">
          <button type="button" class="btn btn-sm max-sm:h-11" onClick={() => setCount(count + STEP)}>
            Show more of {plural(nodes.length, 'pouch', 'pouches')}
          </button>
        </li>
      )}
    </ul>
  );
}

function Branch({ node, closed, onToggle }: { node: Node } & Closing) {
  const { pouch, children, depth } = node;
  const open = !closed.has(pouch.id);
  return (
    <li class="border-b border-base-300 last:border-0">
      <div
        class="flex flex-wrap items-center gap-x-3 gap-y-2 py-3 pr-3 sm:pr-4"
        style={{ paddingLeft: `${0.75 + Math.min(depth, INDENTED_MAX) * 1.25}rem` }}
      >
        {children.length > 0 ? (
          <button
            type="button"
            class="btn btn-ghost btn-xs btn-square max-sm:size-11"
            aria-expanded={open}
            aria-label={`What lies in ${pouch.name}`}
            onClick={() => onToggle(pouch.id)}
          >
            <Icon name="right" size={14} class={`transition-transform ${open ? 'rotate-90' : ''}`} />
          </button>
        ) : (
          <span class="w-6 max-sm:w-11" aria-hidden="true" />
        )}
        <div class="min-w-0 flex-1">
          <div class="flex items-center gap-2 text-sm font-medium">
            <Icon name={isKeysOwn(pouch) ? 'keys' : 'pouch'} class="text-base-content/70" />
            <span class="truncate">{pouch.name}</span>
          </div>
          <div class="muted mt-0.5 text-xs">{about(pouch)}</div>
        </div>
        <div class="w-72 max-sm:order-last max-sm:w-full max-sm:pl-14">
          <BudgetBar balance={pouch} label={`Budget of the pouch ${pouch.name}`} detailed />
        </div>
        <Menu
          label={`Actions for ${pouch.name}`}
          items={[
            { label: 'Edit', icon: 'pencil', onChoose: () => (asked.value = { kind: 'pouch', pouch }) },
            {
              label: 'New pouch inside',
              icon: 'pouch',
              onChoose: () => (asked.value = { kind: 'pouch', parent: pouch.id }),
            },
            {
              label: 'New key inside',
              icon: 'keys',
              onChoose: () => (asked.value = { kind: 'create', pouch: pouch.id }),
            },
          ]}
        />
      </div>
      {open && children.length > 0 && <Branches nodes={children} closed={closed} onToggle={onToggle} />}
    </li>
  );
}

function about(pouch: Pouch): string {
  const terms =
    pouch.limit_usd === null ? 'no limit of its own' : perPeriod(pouch.period) || 'in all, for ever';
  if (isKeysOwn(pouch)) return `${terms} · the pouch of a key`;
  return `${terms} · ${pouch.keys ? plural(pouch.keys, 'key') : 'no keys'}`;
}
