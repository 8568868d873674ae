import { describe, expect, it } from 'vitest';
import { addUsd, decimal, nanos, percentOf, subtractUsd, usd, usdExact } from './money';

describe('money', () => {
  it('keeps every digit of what the API sends', () => {
    expect(usdExact('1204.000000013')).toBe('$1,204.000000013');
    expect(usdExact('12345678901234.10')).toBe('$12,345,678,901,234.10');
  });

  it('adds what floats would get wrong', () => {
    expect(addUsd('0.1', '0.2')).toBe('0.30');
    expect(addUsd('9007199254740993.000000001', '0.000000001')).toBe('9007199254740993.000000002');
  });

  it('subtracts below zero', () => {
    expect(subtractUsd('1', '1.5')).toBe('-0.50');
    expect(usd('-0.5')).toBe('−$0.50');
  });

  it('is read in cents from a dollar up', () => {
    expect(usd('312.404')).toBe('$312.40');
    expect(usd('1.995')).toBe('$2.00');
    expect(usd('5')).toBe('$5.00');
  });

  it('shows what is below a cent, and never calls it nothing', () => {
    expect(usd('0.0051')).toBe('$0.0051');
    expect(usd('0.05')).toBe('$0.05');
    expect(usd('0.000000014')).toBe('$0.000000014');
    expect(usd('0.00001234')).toBe('$0.000012');
    expect(usd('0')).toBe('$0.00');
  });

  it('rounds up into the next size without losing the amount', () => {
    expect(usd('0.99999')).toBe('$1.00');
    expect(usd('0.0000999')).toBe('$0.0001');
  });

  it('comes back from nano-dollars as it went in', () => {
    for (const text of ['0.00', '0.000000001', '-3.25', '1000000000.123456789']) {
      expect(decimal(nanos(text))).toBe(text);
    }
  });

  it('refuses what is no amount', () => {
    for (const text of ['', '1e3', '$5', '1.0000000001', 'NaN']) expect(() => nanos(text)).toThrow();
  });

  it('tells a share, also of nothing', () => {
    expect(percentOf('1', '3')).toBeCloseTo(33.333, 2);
    expect(percentOf('0.01', '0')).toBe(100);
    expect(percentOf('0', '0')).toBe(0);
  });
});
