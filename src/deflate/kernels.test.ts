import { describe, expect, test } from 'vitest';
import { layerLikeBytes, randomNumbers } from '../../test/deflate/plain.ts';
import { startHashChain } from '../kernels/hash-chain.ts';
import { BitWriter } from './bits.ts';
import { codeFromLengths } from './codes.ts';
import { type BlockSink, CHAIN_LEVELS, HashChain } from './go-legacy/hash-chain.ts';

/** All a matcher says, as one list of numbers. */
function recorder(): { sink: BlockSink; said: number[] } {
  const said: number[] = [];
  const sink: BlockSink = (tokens, count, buffer, start, end) => {
    let sum = 0;
    for (let at = Math.max(0, start); at < end; at++) sum = (sum * 31 + buffer[at]!) | 0;
    said.push(...tokens.subarray(0, count), start, end, start < 0 ? 0 : sum);
  };
  return { sink, said };
}

interface Chain {
  fill(from: Uint8Array, start: number, end: number): number;
  run(toEnd: boolean): void;
  reset(): void;
}

function drive(chain: Chain, plain: Uint8Array, seed: number): void {
  const next = randomNumbers(seed);
  for (let at = 0; at < plain.length; ) {
    const end = Math.min(plain.length, at + 1 + (next() % 40_000));
    while (at < end) {
      chain.run(false);
      at += chain.fill(plain, at, end);
    }
    if (next() % 20 === 0) chain.run(true);
  }
  chain.run(true);
}

describe('the kernels say what their plain references say', () => {
  for (const [number, level] of CHAIN_LEVELS) {
    test(`hash chains of level ${number}, flushed and used again`, () => {
      const reference = recorder();
      const kernel = recorder();
      const plainChain = new HashChain(level, reference.sink);
      const kernelChain = startHashChain(level, kernel.sink)!;
      for (let seed = 1; seed < 4; seed++) {
        const plain = layerLikeBytes(300_000, seed * number);
        for (const chain of [plainChain, kernelChain]) {
          drive(chain, plain, seed);
          chain.reset();
        }
      }
      expect(kernel.said.length).toBeGreaterThan(10_000);
      expect(Buffer.from(Int32Array.from(kernel.said).buffer)).toEqual(
        Buffer.from(Int32Array.from(reference.said).buffer),
      );
    });
  }

  test('packed tokens, from every length and distance', () => {
    const next = randomNumbers(5);
    const literals = codeFromLengths(new Uint8Array(286).fill(8, 0, 226).fill(15, 226));
    const distances = codeFromLengths(new Uint8Array(30).fill(5));
    const tokens = Uint32Array.from({ length: 60_000 }, (_, index) => {
      if (next() % 3 === 0) return next() % 256;
      const distance = index < 32768 ? index + 1 : 1 + (next() % 32768);
      return ((3 + (next() % 256)) << 16) | distance;
    });
    const outputs = ['tokens', 'tokensPlainly'].map((method) => {
      const pieces: Uint8Array[] = [];
      const bits = new BitWriter((piece) => pieces.push(piece.slice()));
      bits.bits(5, 3);
      for (const count of [60_000, 300, 257, 16_384]) {
        bits[method as 'tokens'](tokens, count, literals, distances);
        bits.bits(1, 1);
      }
      bits.align();
      bits.flush();
      return Buffer.concat(pieces);
    });
    expect(outputs[0]!.length).toBeGreaterThan(100_000);
    expect(outputs[0]!.equals(outputs[1]!)).toBe(true);
  });
});
