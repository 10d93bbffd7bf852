/**
 * The header of a dynamic block as Go's encoders write it: code lengths run-length coded across the boundary of
 * the two alphabets, then a prefix code of at most 7 bits (RFC 1951, 3.2.7). zlib chooses runs differently.
 */
import type { BitWriter } from '../bits.ts';
import { CODE_LENGTH_ORDER, DISTANCE_SYMBOLS, LITERAL_SYMBOLS, type PrefixCode } from '../codes.ts';
import { PrefixCodeBuilder } from './prefix-code.ts';

const EXTRA_BITS: readonly number[] = [2, 3, 7];
const SHORTEST_RUN: readonly number[] = [3, 3, 11];

/** One header in the making: `prepare` it, ask its size, `write` it. */
export class CodeLengthHeader {
  readonly #lengths = new Uint8Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS + 2);
  /** Symbol, and for 16 to 18 the run's length above it: `symbol | run << 8`. */
  readonly #items = new Uint16Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS + 2);
  readonly #frequencies = new Int32Array(19);
  readonly #code = new PrefixCodeBuilder(19);
  #itemCount = 0;
  #literalCount = 0;
  #distanceCount = 0;
  #sentLengths = 0;
  #sizeBits = 0;

  /** Size of the header with the block's first three bits. */
  get sizeBits(): number {
    return this.#sizeBits;
  }

  prepare(literals: PrefixCode, literalCount: number, distances: PrefixCode, distanceCount: number): void {
    this.#literalCount = literalCount;
    this.#distanceCount = distanceCount;
    this.#lengths.set(literals.lengths.subarray(0, literalCount), 0);
    this.#lengths.set(distances.lengths.subarray(0, distanceCount), literalCount);
    this.#frequencies.fill(0);
    this.#itemCount = 0;
    this.#collectRuns(literalCount + distanceCount);
    this.#code.build(this.#frequencies, 19, 7);
    let sent = 19;
    while (sent > 4 && this.#frequencies[CODE_LENGTH_ORDER[sent - 1]!] === 0) sent--;
    this.#sentLengths = sent;
    const frequencies = this.#frequencies;
    const runs = 2 * frequencies[16]! + 3 * frequencies[17]! + 7 * frequencies[18]!;
    this.#sizeBits = 3 + 5 + 5 + 4 + 3 * sent + this.#code.sizeBits(frequencies, 19) + runs;
  }

  write(bits: BitWriter, isFinal: boolean): void {
    bits.bits(isFinal ? 5 : 4, 3);
    bits.bits(this.#literalCount - 257, 5);
    bits.bits(this.#distanceCount - 1, 5);
    bits.bits(this.#sentLengths - 4, 4);
    const code = this.#code;
    for (let index = 0; index < this.#sentLengths; index++) {
      bits.bits(code.lengths[CODE_LENGTH_ORDER[index]!]!, 3);
    }
    for (let index = 0; index < this.#itemCount; index++) {
      const item = this.#items[index]!;
      const symbol = item & 0xff;
      bits.bits(code.codes[symbol]!, code.lengths[symbol]!);
      if (symbol >= 16) bits.bits((item >> 8) - SHORTEST_RUN[symbol - 16]!, EXTRA_BITS[symbol - 16]!);
    }
  }

  #collectRuns(total: number): void {
    const lengths = this.#lengths;
    for (let at = 0; at < total; ) {
      const value = lengths[at]!;
      let count = 1;
      while (at + count < total && lengths[at + count] === value) count++;
      at += count;
      if (value === 0) count = this.#zeros(count);
      else count = this.#repeats(value, count);
      for (; count > 0; count--) this.#item(value, 0);
    }
  }

  /** Items for a run of zeros; returns how many are left to send one by one. */
  #zeros(count: number): number {
    let rest = count;
    while (rest >= 11) {
      const run = Math.min(138, rest);
      this.#item(18, run);
      rest -= run;
    }
    if (rest < 3) return rest;
    this.#item(17, rest);
    return 0;
  }

  #repeats(value: number, count: number): number {
    this.#item(value, 0);
    let rest = count - 1;
    while (rest >= 3) {
      const run = Math.min(6, rest);
      this.#item(16, run);
      rest -= run;
    }
    return rest;
  }

  #item(symbol: number, run: number): void {
    this.#items[this.#itemCount++] = symbol | (run << 8);
    this.#frequencies[symbol] = this.#frequencies[symbol]! + 1;
  }
}
