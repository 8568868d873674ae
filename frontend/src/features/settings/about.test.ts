import { expect, it } from 'vitest';
import { bytesInWords, durabilityInWords } from './about';

it('tells a size in the unit that fits', () => {
  expect([0, 1023, 1024, 276_048, 1.5 * 1024 ** 3].map(bytesInWords)).toEqual([
    '0 bytes',
    '1023 bytes',
    '1.0 KiB',
    '270 KiB',
    '1.5 GiB',
  ]);
});

it('shows what it does not know as it is', () => {
  expect(durabilityInWords('extra')).toBe('extra');
});
