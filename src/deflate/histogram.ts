/** How often each symbol occurs among the tokens of a block. */
import { DISTANCE_SYMBOL, FIRST_MATCH, LENGTH_SYMBOL } from './codes.ts';

/** Fills both counts anew; the end-of-block symbol is not counted. */
export function countTokens(
  tokens: Uint32Array,
  count: number,
  literals: Int32Array,
  distances: Int32Array,
): void {
  literals.fill(0);
  distances.fill(0);
  for (let index = 0; index < count; index++) {
    const token = tokens[index]!;
    if (token < FIRST_MATCH) {
      literals[token] = literals[token]! + 1;
      continue;
    }
    const length = 257 + LENGTH_SYMBOL[token >>> 16]!;
    literals[length] = literals[length]! + 1;
    const distance = token & 0xffff;
    const symbol = DISTANCE_SYMBOL[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)]!;
    distances[symbol] = distances[symbol]! + 1;
  }
}
