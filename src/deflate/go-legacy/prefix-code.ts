/**
 * How Go's compress/flate builds a prefix code from frequencies: boundary package-merge with a length limit, ties
 * by symbol. Shared by both of Go's models; other encoders break ties differently. Integers only.
 */
import { assignCodes, type PrefixCode } from '../codes.ts';

/** Larger than any sum of frequencies. */
const INFINITE = 0x7fffffff;
const MAX_BITS = 16;

/** A code that can be built again and again without allocating. */
export class PrefixCodeBuilder implements PrefixCode {
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
  /** `frequency * 512 + symbol` of the used symbols, ascending, then a sentinel. */
  readonly #sorted: Float64Array;
  readonly #frequencies: Int32Array;
  readonly #symbols: Uint16Array;
  readonly #lengthCounts = new Int32Array(MAX_BITS);
  readonly #merge = new PackageMerge();

  constructor(symbolCount: number) {
    this.codes = new Uint16Array(symbolCount);
    this.lengths = new Uint8Array(symbolCount);
    this.#sorted = new Float64Array(symbolCount);
    this.#frequencies = new Int32Array(symbolCount + 1);
    this.#symbols = new Uint16Array(symbolCount);
  }

  /** Builds the code of the first `count` frequencies with lengths of at most `limit` bits. */
  build(frequencies: Int32Array, count: number, limit: number): void {
    this.lengths.fill(0);
    let used = 0;
    for (let symbol = 0; symbol < count; symbol++) {
      const frequency = frequencies[symbol]!;
      if (frequency !== 0) this.#sorted[used++] = frequency * 512 + symbol;
    }
    if (used <= 2) {
      for (let index = 0; index < used; index++) {
        const symbol = this.#sorted[index]! % 512;
        this.lengths[symbol] = 1;
        this.codes[symbol] = index;
      }
      return;
    }
    this.#sorted.subarray(0, used).sort();
    for (let index = 0; index < used; index++) {
      const key = this.#sorted[index]!;
      const symbol = key % 512;
      this.#symbols[index] = symbol;
      this.#frequencies[index] = (key - symbol) / 512;
    }
    this.#frequencies[used] = INFINITE;
    this.#merge.countLengths(this.#frequencies, used, limit, this.#lengthCounts);
    // The most frequent symbols, at the end of the sorted list, get the shortest codes.
    let next = used;
    for (let bits = 1; bits < MAX_BITS; bits++) {
      for (let count = this.#lengthCounts[bits]!; count > 0; count--) {
        this.lengths[this.#symbols[--next]!] = bits;
      }
    }
    assignCodes(this.lengths, count, this.codes);
  }

  /** Bits that the first `count` symbols take at these frequencies, extra bits not counted. */
  sizeBits(frequencies: Int32Array, count: number): number {
    let total = 0;
    for (let symbol = 0; symbol < count; symbol++) total += frequencies[symbol]! * this.lengths[symbol]!;
    return total;
  }
}

/** Boundary package-merge: how many symbols get each code length. */
class PackageMerge {
  readonly #last = new Int32Array(MAX_BITS);
  readonly #nextLeaf = new Int32Array(MAX_BITS);
  readonly #nextPair = new Int32Array(MAX_BITS + 1);
  readonly #needed = new Int32Array(MAX_BITS);
  /** Row L, column K: how many leaves level K holds at the point level L has reached. */
  readonly #counts = new Int32Array(MAX_BITS * MAX_BITS);

  /** `frequencies` holds `used` ascending values and INFINITE; fills `lengthCounts` by length. */
  countLengths(frequencies: Int32Array, used: number, wantedLimit: number, lengthCounts: Int32Array): void {
    const limit = Math.min(wantedLimit, used - 1);
    this.#start(frequencies, used, limit);
    this.#run(frequencies, limit);
    lengthCounts.fill(0);
    const top = limit * MAX_BITS;
    for (let level = limit, bits = 1; level > 0; level--, bits++) {
      lengthCounts[bits] = this.#counts[top + level]! - this.#counts[top + level - 1]!;
    }
  }

  #start(frequencies: Int32Array, used: number, limit: number): void {
    this.#counts.fill(0);
    for (let level = 1; level <= limit; level++) {
      this.#last[level] = frequencies[1]!;
      this.#nextLeaf[level] = frequencies[2]!;
      this.#nextPair[level] = level === 1 ? INFINITE : frequencies[0]! + frequencies[1]!;
      this.#needed[level] = 0;
      this.#counts[level * MAX_BITS + level] = 2;
    }
    this.#needed[limit] = 2 * used - 4;
  }

  #run(frequencies: Int32Array, limit: number): void {
    const last = this.#last;
    const nextLeaf = this.#nextLeaf;
    const nextPair = this.#nextPair;
    const needed = this.#needed;
    const counts = this.#counts;
    let level = limit;
    for (;;) {
      if (nextPair[level] === INFINITE && nextLeaf[level] === INFINITE) {
        needed[level] = 0;
        nextPair[level + 1] = INFINITE;
        level++;
        continue;
      }
      const previous = last[level]!;
      const row = level * MAX_BITS;
      if (nextLeaf[level]! < nextPair[level]!) {
        const leaves = counts[row + level]! + 1;
        last[level] = nextLeaf[level]!;
        counts[row + level] = leaves;
        nextLeaf[level] = frequencies[leaves]!;
      } else {
        last[level] = nextPair[level]!;
        counts.copyWithin(row, row - MAX_BITS, row - MAX_BITS + level);
        needed[level - 1] = 2;
      }
      needed[level] = needed[level]! - 1;
      if (needed[level] === 0) {
        if (level === limit) return;
        nextPair[level + 1] = previous + last[level]!;
        level++;
      } else {
        while (needed[level - 1]! > 0) level--;
      }
    }
  }
}
