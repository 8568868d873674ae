/** Pouches as the tree that they are. */
import type { Pouch } from './keys';

export type Node = { pouch: Pouch; children: Node[]; depth: number };

/** A key's own pouch, in which nothing else lies; whatever else there is can be shared. */
export const isKeysOwn = (pouch: Pouch): boolean => pouch.keys > 0 && pouch.children === 0;

const names = new Intl.Collator(undefined, { numeric: true });
const order = (a: Pouch, b: Pouch) =>
  Number(isKeysOwn(a)) - Number(isKeysOwn(b)) || names.compare(a.name, b.name);

/** The outermost pouches with all that lies in them, shared ones first. One whose parent is missing is outermost. */
export function tree(pouches: Pouch[]): Node[] {
  const known = new Set(pouches.map((pouch) => pouch.id));
  const inside = new Map<string, Pouch[]>();
  for (const pouch of pouches) {
    const parent = pouch.parent && known.has(pouch.parent) ? pouch.parent : '';
    const beside = inside.get(parent);
    if (beside) beside.push(pouch);
    else inside.set(parent, [pouch]);
  }
  const under = (parent: string, depth: number): Node[] =>
    (inside.get(parent) ?? [])
      .sort(order)
      .map((pouch) => ({ pouch, depth, children: under(pouch.id, depth + 1) }));
  return under('', 0);
}

/** Every shared pouch with its way, `Engineering / Support`; `without` and what lies in it is left out. */
export function paths(pouches: Pouch[], without?: string): { pouch: Pouch; path: string }[] {
  const walk = (nodes: Node[], before: string): { pouch: Pouch; path: string }[] =>
    nodes
      .filter(({ pouch }) => pouch.id !== without && !isKeysOwn(pouch))
      .flatMap((node) => {
        const path = before ? `${before} / ${node.pouch.name}` : node.pouch.name;
        return [{ pouch: node.pouch, path }, ...walk(node.children, path)];
      });
  return walk(tree(pouches), '');
}
