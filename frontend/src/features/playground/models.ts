/** Which models a key may ask for. The gateway decides; this only keeps the list short. */
import type { Schemas } from '../../lib/api/client';

export type Price = Schemas['PriceObject'] | Schemas['UnpricedObject'];
type Rights = Pick<Schemas['KeyObject'], 'models' | 'provider'>;

/** Names that can be asked for as they are; `ollama/*` stands for many and is none. */
export const isName = (name: string): boolean => !/[*?[]/.test(name);

export function modelsFor(key: Rights, prices: Price[]): Price[] {
  const patterns = key.models?.map(asPattern) ?? null;
  return prices.filter(({ name, provider, model }) => {
    if (!isName(name) || (key.provider !== null && key.provider !== provider)) return false;
    return patterns?.some((pattern) => pattern.test(name) || pattern.test(`${provider}/${model}`)) ?? true;
  });
}

/** A glob as the gateway reads it: `*` is anything, `/` too, `?` one character, `[a-c]` one of these. */
export function asPattern(glob: string): RegExp {
  const text = glob.replace(/\*+|\?|\[!?\]?[^\]]*\]|[^*?]/gs, (part) => {
    if (part.startsWith('*')) return '.*';
    if (part === '?') return '.';
    if (part.startsWith('[') && part.length > 1) return oneOf(part.slice(1, -1));
    return part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  });
  return new RegExp(`^${text}$`, 's');
}

function oneOf(characters: string): string {
  const not = characters.startsWith('!');
  const set = (not ? characters.slice(1) : characters).replace(/[\\\]^[]/g, '\\$&');
  return `[${not ? '^' : ''}${set}]`;
}
