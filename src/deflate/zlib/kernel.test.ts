import { expect, test } from 'vitest';
import { layerLikeBytes, randomNumbers } from '../../../test/deflate/plain.ts';
import { startZlibChain, type ZlibChainKernel } from '../../kernels/zlib-chain.ts';
import { type BlockSink, ZlibMatcher } from './matcher.ts';
import { matcherOptions, ZLIB_FLAVOURS } from './model.ts';

/** All a matcher says, as one list of numbers. */
function recorder(): { sink: BlockSink; said: number[] } {
  const said: number[] = [];
  const sink: BlockSink = (tokens, count, buffer, start, end, isFinal) => {
    let sum = 0;
    for (let at = Math.max(0, start); at < end; at++) sum = (sum * 31 + buffer[at]!) | 0;
    said.push(...tokens.subarray(0, count), start, end, start < 0 ? 0 : sum, isFinal ? 1 : 0);
  };
  return { sink, said };
}

/** Streams with flushes, ends and dictionaries at random places. */
function drive(matcher: ZlibChainKernel, seed: number): void {
  const next = randomNumbers(seed);
  for (let round = 0; round < 5; round++) {
    const plain = layerLikeBytes(next() % (round < 3 ? 4000 : 260_000), next());
    for (let at = 0; at < plain.length; ) {
      const end = Math.min(plain.length, at + 1 + (next() % (next() % 5 === 0 ? 5 : 60_000)));
      matcher.write(plain.subarray(at, end));
      if (next() % 3 === 0) matcher.flush(false);
      at = end;
    }
    matcher.flush(true);
    matcher.reset(plain.subarray(0, next() % 2 === 0 ? 0 : next() % (plain.length + 1)));
  }
}

test.each(ZLIB_FLAVOURS)(
  'the kernel of flavour %i says what its plain reference says, at every level',
  (flavour) => {
    for (let level = 1; level <= 9; level++) {
      const options = matcherOptions(level, flavour);
      const [reference, kernel] = [recorder(), recorder()];
      drive(new ZlibMatcher(options, reference.sink), level);
      drive(startZlibChain(options, kernel.sink)!, level);
      expect(reference.said.length).toBeGreaterThan(10_000);
      const bytes = (said: number[]) => Buffer.from(Int32Array.from(said).buffer);
      expect(bytes(kernel.said).equals(bytes(reference.said)), `level ${level}`).toBe(true);
    }
  },
);
