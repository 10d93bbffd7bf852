import { expect, test } from 'vitest';
import { layerLikeBytes, randomNumbers } from '../../../test/deflate/plain.ts';
import { startFastMatch } from '../../kernels/fast-match.ts';
import { FAST_BLOCK_BYTES, FastMatch } from './fast-match.ts';

test('the kernel of level 1 says what its plain reference says, blocks of all sizes after each other', () => {
  const next = randomNumbers(41);
  const reference = new FastMatch();
  const kernel = startFastMatch()!;
  for (let round = 0; round < 120; round++) {
    const size = next() % 3 === 0 ? FAST_BLOCK_BYTES : 17 + (next() % 20_000);
    const plain = layerLikeBytes(size, next());
    for (const { buffer } of [reference, kernel]) buffer.set(plain, FastMatch.START);
    const count = reference.match(size);
    expect(kernel.match(size)).toBe(count);
    const tokens = (from: Uint32Array) => Buffer.from(from.slice(0, count).buffer);
    expect(tokens(kernel.tokens).equals(tokens(reference.tokens)), `round ${round}`).toBe(true);
    const what = next() % 12;
    for (const matcher of [reference, kernel]) {
      if (what === 0) matcher.reset();
      else if (what < 3) matcher.forget();
    }
  }
});

test('so far into a stream that positions are moved down, too', () => {
  const reference = new FastMatch();
  const kernel = startFastMatch()!;
  const blocks = [0, 1, 2].map((seed) => layerLikeBytes(FAST_BLOCK_BYTES, 50 + seed));
  const matchAll = () => {
    for (const block of blocks) {
      for (const { buffer } of [reference, kernel]) buffer.set(block, FastMatch.START);
      const count = reference.match(block.length);
      expect(kernel.match(block.length)).toBe(count);
      const tokens = (from: Uint32Array) => Buffer.from(from.slice(0, count).buffer);
      expect(tokens(kernel.tokens).equals(tokens(reference.tokens))).toBe(true);
    }
  };
  // Each moves positions on by 32 KiB. After the first lot the next block is the last before they are moved down,
  // while it can be referred to; after the second they are moved down on the way, where nothing can be.
  for (const times of [65_529, 70_000]) {
    for (let left = times; left > 0; left--) for (const matcher of [reference, kernel]) matcher.forget();
    matchAll();
  }
});
