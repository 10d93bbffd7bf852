/**
 * Decoding tables of a prefix code: one look-up for codes of up to 10 bits, bit by bit beyond. Over-subscribed
 * codes are refused; a code with gaps is taken, as encoders write them, and fails where a gap is met.
 */
import { corrupt } from '../errors.ts';
import { reverseBits } from './codes.ts';

export const FAST_BITS = 10;
const MAX_BITS = 15;

export class DecodeTable {
  /** By the next 10 bits: `symbol << 4 | length`; 0 where the code is longer or does not exist. */
  readonly fast = new Uint16Array(1 << FAST_BITS);
  readonly #counts = new Uint16Array(MAX_BITS + 1);
  readonly #symbols: Uint16Array;

  constructor(symbolCount: number) {
    this.#symbols = new Uint16Array(symbolCount);
  }

  /** Takes `count` code lengths from `start`. Throws CORRUPT_INPUT when they claim more codes than there are. */
  build(lengths: Uint8Array, start: number, count: number): void {
    const counts = this.#counts.fill(0);
    for (let symbol = 0; symbol < count; symbol++) {
      const length = lengths[start + symbol]!;
      counts[length] = counts[length]! + 1;
    }
    counts[0] = 0;
    const offsets = new Uint16Array(MAX_BITS + 2);
    const next = new Uint16Array(MAX_BITS + 2);
    let free = 1;
    for (let bits = 1; bits <= MAX_BITS; bits++) {
      free = free * 2 - counts[bits]!;
      if (free < 0) throw corrupt('a DEFLATE block has more codes than fit their lengths');
      offsets[bits + 1] = offsets[bits]! + counts[bits]!;
      next[bits + 1] = (next[bits]! + counts[bits]!) << 1;
    }
    this.fast.fill(0);
    for (let symbol = 0; symbol < count; symbol++) {
      const length = lengths[start + symbol]!;
      if (length === 0) continue;
      this.#symbols[offsets[length]!] = symbol;
      offsets[length] = offsets[length]! + 1;
      const code = next[length]!;
      next[length] = code + 1;
      if (length > FAST_BITS) continue;
      const entry = (symbol << 4) | length;
      const step = 1 << length;
      for (let at = reverseBits(code, length); at < 1 << FAST_BITS; at += step) this.fast[at] = entry;
    }
  }

  /** Decodes from the lowest bits of `held`: `symbol << 4 | length`, or 0 when no code of up to 15 bits fits. */
  slow(held: number): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_BITS; length++) {
      code |= (held >>> (length - 1)) & 1;
      const count = this.#counts[length]!;
      if (code - count < first) return (this.#symbols[index + (code - first)]! << 4) | length;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return 0;
  }
}
