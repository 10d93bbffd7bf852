import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayWidth, pad, truncateMiddle } from './width.ts';

test.each([
  ['', 0],
  ['abc', 3],
  ['日本', 4],
  ['e\u0301', 1],
  ['😀', 2],
  ['한글', 4],
  ['a\u200bb', 2],
])('%j takes %d columns', (text, width) => {
  expect(displayWidth(text)).toBe(width);
  expect(displayWidth(pad(text, 9))).toBe(9);
  expect(pad(text, 9, 'right').endsWith(text)).toBe(true);
});

describe('truncateMiddle', () => {
  test('keeps both ends of a name', () => {
    expect(truncateMiddle('registry/team/application:1.2.3', 16)).toBe('registry…n:1.2.3');
    expect(truncateMiddle('short', 5)).toBe('short');
    expect(truncateMiddle('short', 1)).toBe('…');
    expect(truncateMiddle('short', 0)).toBe('');
    expect(truncateMiddle('日本日本日本', 8)).toBe('日本…本');
  });

  test('never gives more than the width, and all of it where characters are narrow', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, width) => {
        expect(displayWidth(truncateMiddle(text, width))).toBeLessThanOrEqual(width);
      }),
    );
    fc.assert(
      fc.property(fc.string(), fc.nat(40), (text, width) => {
        expect(truncateMiddle(text, width).length).toBe(Math.min(text.length, width));
      }),
    );
  });
});
