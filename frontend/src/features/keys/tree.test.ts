import { expect, it } from 'vitest';
import type { Pouch } from './keys';
import { paths, tree } from './tree';

const pouch = (id: string, parent: string | null, children = 0, keys = 0) =>
  ({ id, name: id, parent, children, keys }) as Pouch;

const POUCHES = [
  pouch('bot', 'support', 0, 1),
  pouch('support', 'engineering', 1, 1),
  pouch('engineering', null, 1, 1),
  pouch('alone', null, 0, 1),
];

it('puts each pouch below the one that it lies in, shared ones first', () => {
  const [engineering, alone] = tree(POUCHES);
  expect(engineering?.pouch.id).toBe('engineering');
  expect(engineering?.children[0]?.children[0]).toMatchObject({ depth: 2, pouch: { id: 'bot' } });
  expect(alone?.pouch.id).toBe('alone');
});

it('shows a pouch whose parent was not fetched', () => {
  expect(tree([pouch('lost', 'elsewhere')])).toHaveLength(1);
});

it('offers shared pouches only, and not one inside itself', () => {
  expect(paths(POUCHES).map(({ path }) => path)).toEqual(['engineering', 'engineering / support']);
  expect(paths(POUCHES, 'support').map(({ path }) => path)).toEqual(['engineering']);
});
