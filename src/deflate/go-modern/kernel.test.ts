import { describe, expect, test } from 'vitest';
import { layerLikeBytes, randomNumbers } from '../../../test/deflate/plain.ts';
import { startFastLevel } from '../../kernels/fast-levels.ts';
import { startTwoTables } from '../../kernels/two-tables.ts';
import { PairMatcher } from './level3.ts';
import { ShortLongMatcher } from './level4.ts';
import { TwoTableMatcher } from './level5.ts';
import type { FastMatcher } from './matcher.ts';
import { SingleTableMatcher } from './single-table.ts';

/** Blocks of all sizes, with bytes put out of reach and tables cleared between them. */
function expectSame(reference: FastMatcher, kernel: FastMatcher, seed: number): void {
  const next = randomNumbers(seed);
  const plain = layerLikeBytes(2_000_000, seed + 7);
  for (let at = 0; at < plain.length; ) {
    const end = Math.min(plain.length, at + (next() % 4 === 0 ? next() % 300 : 65535));
    const count = reference.encode(plain, at, end);
    expect(kernel.encode(plain, at, end)).toBe(count);
    const tokens = (from: Uint32Array) => Buffer.from(from.slice(0, count).buffer);
    expect(tokens(kernel.tokens).equals(tokens(reference.tokens)), `at ${at}`).toBe(true);
    if (next() % 10 === 0) for (const matcher of [reference, kernel]) matcher.forget();
    if (next() % 30 === 0) for (const matcher of [reference, kernel]) matcher.clear();
    at = end;
  }
}

/** So far into a stream that positions are moved down, once with bytes in reach, and once after all that can be forgotten. */
function expectSameFarOn(reference: FastMatcher, kernel: FastMatcher): void {
  const blocks = [60, 61, 60, 61].map((seed) => layerLikeBytes(65535, seed));
  const forgetAll = (times: number) => {
    for (let left = times; left > 0; left--) for (const matcher of [reference, kernel]) matcher.forget();
  };
  // Each moves positions on by 32 KiB; these stay just below the place where they are moved down.
  forgetAll(65_521);
  for (let round = 0; round < 2; round++) {
    for (const block of blocks) {
      const count = reference.encode(block, 0, block.length);
      expect(kernel.encode(block, 0, block.length)).toBe(count);
      const tokens = (from: Uint32Array) => Buffer.from(from.slice(0, count).buffer);
      expect(tokens(kernel.tokens).equals(tokens(reference.tokens))).toBe(true);
    }
    forgetAll(140_000);
  }
}

const PAIRS: readonly (readonly [string, () => FastMatcher, () => FastMatcher])[] = [
  ['level 1', () => new SingleTableMatcher(1), () => startFastLevel(1, false)!],
  ['level 2', () => new SingleTableMatcher(2), () => startFastLevel(2, false)!],
  ['level 3', () => new PairMatcher(), () => startFastLevel(3, false)!],
  ['level 4', () => new ShortLongMatcher(false), () => startFastLevel(4, false)!],
  ['level 4, comparing elsewhere', () => new ShortLongMatcher(true), () => startFastLevel(4, true)!],
  ...([5, 6] as const).flatMap((level) =>
    [
      { looksAtEnd: true, skipped: 2, longestPart: 258 },
      { looksAtEnd: true, skipped: 0, longestPart: 255 },
      { looksAtEnd: false, skipped: 2, longestPart: 255 },
    ].map(
      (options) =>
        [
          `level ${level}, ${JSON.stringify(options)}`,
          () => new TwoTableMatcher(level, options),
          () => startTwoTables(level, options)!,
        ] as const,
    ),
  ),
];

describe('the kernels say what their plain references say', () => {
  test.each(PAIRS)('%s', (name, reference, kernel) => expectSame(reference(), kernel(), name.length));
  test.each(PAIRS)('%s, far on', (_, reference, kernel) => expectSameFarOn(reference(), kernel()));
});
