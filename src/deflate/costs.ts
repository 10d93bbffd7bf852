/** What the symbols of a block cost in ways that do not depend on its own codes; extra bits, and the fixed codes. */
import { DISTANCE_EXTRA, DISTANCE_SYMBOLS, FIXED_LITERALS, LENGTH_EXTRA, LITERAL_SYMBOLS } from './codes.ts';

/** Bits that follow the codes of lengths and distances. */
export function extraBits(literals: Int32Array, distances: Int32Array): number {
  let total = 0;
  for (let symbol = 8; symbol < 28; symbol++) total += literals[257 + symbol]! * LENGTH_EXTRA[symbol]!;
  for (let symbol = 4; symbol < DISTANCE_SYMBOLS; symbol++) {
    total += distances[symbol]! * DISTANCE_EXTRA[symbol]!;
  }
  return total;
}

/** Bits of a fixed block but for extra bits: its first three, and the codes. */
export function fixedBits(literals: Int32Array, distances: Int32Array): number {
  let total = 3;
  for (let symbol = 0; symbol < LITERAL_SYMBOLS; symbol++) {
    total += literals[symbol]! * FIXED_LITERALS.lengths[symbol]!;
  }
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) total += distances[symbol]! * 5;
  return total;
}

/** How many symbols there are up to the last that occurs. */
export function usedSymbols(counts: Int32Array): number {
  let used = counts.length;
  while (used > 0 && counts[used - 1] === 0) used--;
  return used;
}
