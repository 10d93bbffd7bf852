import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatDuration, formatRate, printable } from './format.ts';

describe('formatBytes', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [1024, '1.02 kB'],
    [9_994, '9.99 kB'],
    [9_996, '10.0 kB'],
    [99_940, '99.9 kB'],
    [99_960, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [34_813_588, '34.8 MB'],
    [187e6, '187 MB'],
    [10 * 2 ** 30, '10.7 GB'],
    [Number.MAX_SAFE_INTEGER, '9.01 PB'],
    [5e18, '5000 PB'],
  ])('%d is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  test('is within half a percent of the truth', () => {
    const units = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15 };
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        const [value, unit] = formatBytes(bytes).split(' ');
        const shown = Number(value) * units[unit as keyof typeof units];
        return Math.abs(shown - bytes) <= bytes * 0.00501;
      }),
    );
  });

  test('gives rates per second', () => expect(formatRate(5_100_000)).toBe('5.10 MB/s'));
});

test.each([
  [0.2, '1 s'],
  [59, '59 s'],
  [59.5, '1 min 00 s'],
  [65, '1 min 05 s'],
  [3599, '59 min 59 s'],
  [3600, '1 h 00 min'],
  [7_385, '2 h 03 min'],
  [86_400 * 3 + 4 * 3600, '3 d 04 h'],
])('formatDuration: %d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

test('printable text can not move the cursor, colour, or turn the direction of what is read', () => {
  expect(printable('a\x1b[31mb\rc\x9bd\u202ee\x07\x00f\n\tg é 漢')).toBe(
    'a\ufffd[31mb\ufffdc\ufffdd\ufffde\ufffd\ufffdf\n\tg é 漢',
  );
});
