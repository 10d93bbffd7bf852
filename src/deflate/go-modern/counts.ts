/** What Go 1.27's encoder asks of how often symbols occur in a block. */
import type { PrefixCode } from '../codes.ts';
import type { PrefixCodeBuilder } from '../go-legacy/prefix-code.ts';

/** The cost of what can't be said at all. */
export const NO_CODE = 0x7fffffff;

/** Gives every symbol that does not occur one occurrence; returns how many that were. */
export function fill(counts: Int32Array): number {
  let filled = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    if (counts[symbol] !== 0) continue;
    counts[symbol] = 1;
    filled++;
  }
  return filled;
}

/** Whether the code has a word for everything that occurs among the first symbols. */
export function hasCodes(code: PrefixCode, counts: Int32Array, symbols: number): boolean {
  for (let symbol = 0; symbol < symbols; symbol++) {
    if (counts[symbol] !== 0 && code.lengths[symbol] === 0) return false;
  }
  return true;
}

/** Bits of all literals; a very large number when one has no code. */
export function literalBits(code: PrefixCodeBuilder, counts: Int32Array): number {
  return hasCodes(code, counts, 256) ? code.sizeBits(counts, 256) : NO_CODE;
}

/** Whether bytes are spread so evenly that coding them is of no use. */
export function isNoise(counts: Int32Array, size: number): boolean {
  const mean = size / 256;
  let spread = 0;
  for (let symbol = 0; symbol < 256; symbol++) spread += (counts[symbol]! - mean) ** 2;
  return spread < 2 * size;
}
