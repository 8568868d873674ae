import { expect, it } from 'vitest';
import { scale } from './StackedBars';
import { stacked } from './series';

const row = (by: string, split: string | null, cost_usd: string, split_name: string | null = null) => ({
  by,
  split,
  split_name,
  cost_usd,
});

it('stacks the dearest part at the bottom and all else, in grey, at the top', () => {
  const rows = [
    row('1', null, '9'),
    row('1', 'cheap', '0.10'),
    row('1', 'dear', '2'),
    row('2', 'cheap', '0.20'),
  ];
  const { bars, series } = stacked(rows, ['1', '2']);
  expect(series).toEqual([
    { key: '=dear', label: 'dear', color: 'var(--chart-1)' },
    { key: '=cheap', label: 'cheap', color: 'var(--chart-2)' },
    { key: 'rest', label: 'Everything else', color: 'var(--chart-6)' },
  ]);
  expect(bars).toEqual([
    { x: '1', values: { '=dear': '2.00', '=cheap': '0.10', rest: '9.00' } },
    { x: '2', values: { '=cheap': '0.20' } },
  ]);
});

it('tells keys of one name apart, and a part whose name is "rest" from the rest', () => {
  const rows = [
    row('1', 'a', '1', 'bot'),
    row('1', 'b', '1', 'bot'),
    row('1', 'rest', '1'),
    row('1', null, '1'),
  ];
  const { bars, series } = stacked(rows, ['1']);
  expect(series.map(({ label }) => label)).toEqual(['bot', 'bot', 'rest', 'Everything else']);
  expect(Object.keys(bars[0]?.values ?? {})).toHaveLength(4);
});

it('has a place for a time in which nothing happened, and one part where nothing is split', () => {
  const { bars, series } = stacked([row('2', null, '1')], ['1', '2']);
  expect(bars[0]).toEqual({ x: '1', values: {} });
  expect(series).toEqual([{ key: 'rest', label: 'Spent', color: 'var(--chart-1)' }]);
});

it('leaves free parts out of the legend', () => {
  expect(stacked([row('1', 'free', '0.00'), row('1', 'paid', '1')], ['1']).series).toHaveLength(1);
});

it('has a round number just above the highest bar, and lines that are round too', () => {
  expect(scale(5.58)).toEqual({ top: 6, ticks: [0, 2, 4, 6] });
  expect(scale(0.0312).top).toBeCloseTo(0.04);
  expect(scale(0)).toEqual({ top: 1, ticks: [0] });
});
