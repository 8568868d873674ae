/**
 * Money is a decimal string of USD with at most nine decimals, as the API sends it. It is computed
 * in bigint nano-dollars, never in floats, so whatever is shown as exact is exact.
 */
const NANOS = 1_000_000_000n;
const DECIMAL = /^(-?)(\d+)(?:\.(\d{1,9}))?$/;

/** Nano-dollars of a decimal string. Throws on anything else, which only a bug can send. */
export function nanos(usd: string): bigint {
  const parts = DECIMAL.exec(usd);
  if (!parts) throw new Error(`not an amount of USD: ${usd}`);
  const [, sign, whole = '0', fraction = ''] = parts;
  const amount = BigInt(whole) * NANOS + BigInt(fraction.padEnd(9, '0'));
  return sign ? -amount : amount;
}

/** The decimal string of nano-dollars, with at least two decimals. */
export function decimal(amount: bigint): string {
  const size = amount < 0n ? -amount : amount;
  const fraction = (size % NANOS).toString().padStart(9, '0').replace(/0+$/, '').padEnd(2, '0');
  return `${amount < 0n ? '-' : ''}${size / NANOS}.${fraction}`;
}

export const addUsd = (...amounts: string[]): string =>
  decimal(amounts.reduce((sum, usd) => sum + nanos(usd), 0n));

export const subtractUsd = (from: string, amount: string): string => decimal(nanos(from) - nanos(amount));

export const isZero = (usd: string): boolean => nanos(usd) === 0n;

/** Every digit: `$1,204.000013`. */
export function usdExact(usd: string): string {
  const text = decimal(nanos(usd));
  const [whole = '0', fraction = '00'] = text.replace('-', '').split('.');
  return `${text.startsWith('-') ? '−' : ''}$${grouped(whole)}.${fraction}`;
}

/**
 * For reading: from one dollar up in cents, below it with up to four decimals, and what is smaller
 * still with two significant digits; never a $0.00 that is not nothing. Rounded half away from zero.
 */
export function usd(amount: string): string {
  const value = nanos(amount);
  const size = value < 0n ? -value : value;
  const text = decimal(rounded(size, size >= NANOS ? 2 : size >= 100_000n ? 4 : smallDecimals(size)));
  return `${value < 0n ? '−' : ''}${usdExact(text)}`;
}

/** What share of `whole` a `part` is, from 0 to 100 and beyond. Only for widths and rough words. */
export function percentOf(part: string, whole: string): number {
  const total = nanos(whole);
  if (total === 0n) return nanos(part) > 0n ? 100 : 0;
  return Number((nanos(part) * 100_000n) / total) / 1000;
}

/** For the height of a bar, where a float is exact enough. */
export const roughly = (amount: string): number => Number(nanos(amount)) / 1e9;

function smallDecimals(size: bigint): number {
  return size === 0n ? 2 : 9 - size.toString().length + 2;
}

function rounded(size: bigint, decimals: number): bigint {
  const unit = 10n ** BigInt(Math.max(0, 9 - decimals));
  return ((size + unit / 2n) / unit) * unit;
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}
