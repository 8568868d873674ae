/** What models cost, in the words of the page. */
import type { Schemas } from '../../lib/api/client';

export type Priced = Schemas['PriceObject'];
export type Unpriced = Schemas['UnpricedObject'];
export type Price = Priced | Unpriced;
export type Rates = Priced['rates'];

export const isPriced = (price: Price): price is Priced => price.priced;

/** Whether a search finds it: by its name, by the one at its provider, or by where its price is from. */
export function matches(price: Price, q: string): boolean {
  const wanted = q.toLocaleLowerCase();
  const texts = [price.name, `${price.provider}/${price.model}`, price.priced ? price.source : ''];
  return texts.some((text) => text.toLocaleLowerCase().includes(wanted));
}

const NAMES: [keyof Rates, string][] = [
  ['input', 'Input'],
  ['cached_input', 'Cached input'],
  ['cache_write', 'Cache write'],
  ['audio_input', 'Audio input'],
  ['image_input', 'Image input'],
  ['output', 'Output'],
  ['reasoning', 'Reasoning'],
  ['audio_output', 'Audio output'],
];

/** The rates that a model has of its own; for all others the dearer one of their side holds. */
export const ownRates = (rates: Rates): [string, string][] =>
  NAMES.flatMap(([field, name]) => {
    const rate = rates[field];
    return rate === null ? [] : [[name, rate] as [string, string]];
  });

/** The lines that price every one of these, as one section to be pasted. */
export function linesToPrice(unpriced: Unpriced[]): string {
  const [head = '', tables = ''] = unpriced[0]?.hint.split('\n') ?? [];
  const providers = new Map<string, string[]>();
  for (const { hint } of unpriced) {
    const [, , provider = '', ...models] = hint.split('\n');
    const lines = providers.get(provider) ?? [];
    for (const line of models) if (!lines.includes(line)) lines.push(line);
    providers.set(provider, lines);
  }
  return [head, tables, ...[...providers].flatMap(([provider, lines]) => [provider, ...lines])].join('\n');
}
