/**
 * How zlib and gzip build a prefix code: a heap whose ties are broken by the depth of subtrees, and lengths beyond
 * the limit moved up afterwards. At least two codes are always given. Part of the frozen engine.
 */
import { assignCodes, type PrefixCode } from '../codes.ts';

/** What a symbol costs besides its code. */
export interface TreeShape {
  readonly symbols: number;
  readonly limit: number;
  /** Extra bits of the symbols from `extraBase` on. */
  readonly extraBits: Uint8Array;
  readonly extraBase: number;
  /** Code lengths of the fixed code; the code length code has none. */
  readonly fixedLengths?: Uint8Array;
}

export class Tree implements PrefixCode {
  readonly frequencies: Int32Array;
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
  readonly #shape: TreeShape;
  readonly #weights: Int32Array;
  readonly #depths: Uint8Array;
  readonly #parents: Uint16Array;
  readonly #nodeLengths: Uint8Array;
  /** The heap from 1 on; from the end down, nodes in the order they were joined. */
  readonly #heap: Uint16Array;
  readonly #lengthCounts = new Uint16Array(16);
  #heapLength = 0;
  #joined = 0;
  /** The largest symbol that has a code. */
  largest = 0;
  /** Bits of all symbols at their frequencies with this code, and with the fixed one. */
  sizeBits = 0;
  fixedBits = 0;

  constructor(shape: TreeShape) {
    const nodes = 2 * shape.symbols + 1;
    this.#shape = shape;
    this.frequencies = new Int32Array(shape.symbols);
    this.codes = new Uint16Array(shape.symbols);
    this.lengths = new Uint8Array(shape.symbols);
    this.#weights = new Int32Array(nodes);
    this.#depths = new Uint8Array(nodes);
    this.#parents = new Uint16Array(nodes);
    this.#nodeLengths = new Uint8Array(nodes);
    this.#heap = new Uint16Array(nodes);
  }

  /** Builds the code of `frequencies`. */
  build(): void {
    this.sizeBits = 0;
    this.fixedBits = 0;
    this.#collect();
    this.#join();
    const overflow = this.#measure();
    if (overflow > 0) this.#shorten(overflow);
    for (let symbol = 0; symbol < this.#shape.symbols; symbol++) {
      this.lengths[symbol] = this.#weights[symbol] === 0 ? 0 : this.#nodeLengths[symbol]!;
    }
    assignCodes(this.lengths, this.#shape.symbols, this.codes);
  }

  #collect(): void {
    const { symbols, fixedLengths } = this.#shape;
    this.#heapLength = 0;
    this.largest = -1;
    for (let symbol = 0; symbol < symbols; symbol++) {
      this.#weights[symbol] = this.frequencies[symbol]!;
      this.#depths[symbol] = 0;
      if (this.frequencies[symbol] === 0) continue;
      this.#heap[++this.#heapLength] = symbol;
      this.largest = symbol;
    }
    // Two codes are forced; the pretended symbols do not count in the sizes.
    while (this.#heapLength < 2) {
      const symbol = this.largest < 2 ? ++this.largest : 0;
      this.#heap[++this.#heapLength] = symbol;
      this.#weights[symbol] = 1;
      this.sizeBits--;
      if (fixedLengths !== undefined) this.fixedBits -= fixedLengths[symbol]!;
    }
  }

  #join(): void {
    const heap = this.#heap;
    let node = this.#shape.symbols;
    this.#joined = heap.length;
    for (let at = this.#heapLength >> 1; at >= 1; at--) this.#sink(at);
    do {
      const first = heap[1]!;
      heap[1] = heap[this.#heapLength--]!;
      this.#sink(1);
      const second = heap[1]!;
      heap[--this.#joined] = first;
      heap[--this.#joined] = second;
      this.#weights[node] = this.#weights[first]! + this.#weights[second]!;
      this.#depths[node] = Math.max(this.#depths[first]!, this.#depths[second]!) + 1;
      this.#parents[first] = node;
      this.#parents[second] = node;
      heap[1] = node++;
      this.#sink(1);
    } while (this.#heapLength >= 2);
    heap[--this.#joined] = heap[1]!;
  }

  #sink(start: number): void {
    const heap = this.#heap;
    const moved = heap[start]!;
    let at = start;
    for (let child = at << 1; child <= this.#heapLength; child <<= 1) {
      if (child < this.#heapLength && this.#isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (this.#isBefore(moved, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }

  #isBefore(one: number, other: number): boolean {
    const difference = this.#weights[one]! - this.#weights[other]!;
    return difference < 0 || (difference === 0 && this.#depths[one]! <= this.#depths[other]!);
  }

  /** Lengths of all nodes, cut to the limit, and the sizes; returns how many were cut. */
  #measure(): number {
    const { limit, symbols, extraBits, extraBase, fixedLengths } = this.#shape;
    const heap = this.#heap;
    let overflow = 0;
    this.#lengthCounts.fill(0);
    this.#nodeLengths[heap[this.#joined]!] = 0;
    for (let at = this.#joined + 1; at < heap.length; at++) {
      const node = heap[at]!;
      let bits = this.#nodeLengths[this.#parents[node]!]! + 1;
      if (bits > limit) {
        bits = limit;
        overflow++;
      }
      this.#nodeLengths[node] = bits;
      if (node >= symbols) continue;
      this.#lengthCounts[bits] = this.#lengthCounts[bits]! + 1;
      const extra = node >= extraBase ? extraBits[node - extraBase]! : 0;
      this.sizeBits += this.#weights[node]! * (bits + extra);
      if (fixedLengths !== undefined) this.fixedBits += this.#weights[node]! * (fixedLengths[node]! + extra);
    }
    return overflow;
  }

  #shorten(overflow: number): void {
    const { limit, symbols } = this.#shape;
    const counts = this.#lengthCounts;
    for (let left = overflow; left > 0; left -= 2) {
      let bits = limit - 1;
      while (counts[bits] === 0) bits--;
      counts[bits] = counts[bits]! - 1;
      counts[bits + 1] = counts[bits + 1]! + 2;
      counts[limit] = counts[limit]! - 1;
    }
    let at = this.#heap.length;
    for (let bits = limit; bits > 0; bits--) {
      for (let count = counts[bits]!; count > 0; ) {
        const node = this.#heap[--at]!;
        if (node >= symbols) continue;
        this.sizeBits += (bits - this.#nodeLengths[node]!) * this.#weights[node]!;
        this.#nodeLengths[node] = bits;
        count--;
      }
    }
  }
}
