import { expect, it } from 'vitest';
import { linesToPrice, matches, ownRates, type Price, type Priced, type Unpriced } from './prices';

const unpriced = (provider: string, model: string) =>
  ({
    name: model,
    provider,
    model,
    priced: false,
    hint: `pricing:\n  tables:\n    ${provider}:\n      "${model}": {input: "?", output: "?"}`,
  }) as Unpriced;

it('gives one section for all models without a price, each provider and model once', () => {
  const lines = linesToPrice([
    unpriced('a', 'x'),
    unpriced('b', 'y'),
    unpriced('a', 'z'),
    unpriced('a', 'x'),
  ]);
  expect(lines.split('\n')).toEqual([
    'pricing:',
    '  tables:',
    '    a:',
    '      "x": {input: "?", output: "?"}',
    '      "z": {input: "?", output: "?"}',
    '    b:',
    '      "y": {input: "?", output: "?"}',
  ]);
});

it('finds a model by either name and by the source of its price', () => {
  const price = {
    name: 'Fast',
    provider: 'openai',
    model: 'gpt',
    priced: true,
    source: 'pouch.yaml:18',
  } as Price;
  expect(['fast', 'OPENAI/gp', 'yaml:18'].map((q) => matches(price, q))).toEqual([true, true, true]);
  expect(matches(price, 'slow')).toBe(false);
});

it('shows the rates that a model has, and no others as free', () => {
  const rates = { input: '1', cached_input: null, output: '10', reasoning: null } as Priced['rates'];
  expect(
    ownRates({ ...rates, cache_write: null, audio_input: null, image_input: null, audio_output: null }),
  ).toEqual([
    ['Input', '1'],
    ['Output', '10'],
  ]);
});
