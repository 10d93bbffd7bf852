import { expect, test } from 'vitest';
import { layerLikeBytes, randomNumbers } from '../../../test/deflate/plain.ts';
import { type LazyChainKernel, startLazyChain } from '../../kernels/lazy-chain.ts';
import { PrefixCodeBuilder } from '../go-legacy/prefix-code.ts';
import { LazyMatcher } from './lazy.ts';
import { LAZY_LEVELS, type LazySink } from './lazy-levels.ts';

/** All a matcher says, as one list of numbers. */
function recorder(): { sink: LazySink; said: number[] } {
  const said: number[] = [];
  const sink: LazySink = (tokens, count, buffer, start, end, sync) => {
    let sum = 0;
    for (let at = Math.max(0, start); at < end; at++) sum = (sum * 31 + buffer[at]!) | 0;
    said.push(...tokens.subarray(0, count), start, end, start < 0 ? 0 : sum, sync ? 1 : 0);
  };
  return { sink, said };
}

function drive(matcher: LazyChainKernel, seed: number): void {
  const next = randomNumbers(seed);
  for (let round = 0; round < 6; round++) {
    const plain = layerLikeBytes(next() % (round < 3 ? 4000 : 500_000), next());
    // Noise is passed over in growing steps, which ends blocks in the middle of them.
    if (round === 4) for (let at = 9000; at < 200_000 && at < plain.length; at++) plain[at] = next() >>> 11;
    for (let at = 0; at < plain.length; ) {
      const end = Math.min(plain.length, at + 1 + (next() % 90_000));
      matcher.write(plain.subarray(at, end));
      if (next() % 4 === 0) matcher.flush();
      at = end;
    }
    matcher.flush();
    if (round % 2 === 0) matcher.reset();
  }
}

const weigher = () => {
  const code = new PrefixCodeBuilder(256);
  return (counts: Int32Array) => {
    code.build(counts, counts.length, 15);
    return code.lengths;
  };
};

test.each([...LAZY_LEVELS])('the kernel of level %i says what its plain reference says', (number, level) => {
  for (let seed = number; seed < number + 3; seed++) {
    const [reference, kernel] = [recorder(), recorder()];
    drive(new LazyMatcher(level, reference.sink), seed);
    drive(startLazyChain(level, weigher(), kernel.sink)!, seed);
    expect(reference.said.length).toBeGreaterThan(100_000);
    const bytes = (said: number[]) => Buffer.from(Int32Array.from(said).buffer);
    expect(bytes(kernel.said).equals(bytes(reference.said)), `seed ${seed}`).toBe(true);
  }
});
