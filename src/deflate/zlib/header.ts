/**
 * The header of a dynamic block as zlib and gzip write it: runs of code lengths that stay within their alphabet.
 */
import type { BitWriter } from '../bits.ts';
import {
  CODE_LENGTH_ORDER,
  DISTANCE_EXTRA,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  LENGTH_EXTRA,
  LITERAL_SYMBOLS,
} from '../codes.ts';
import { Tree, type TreeShape } from './tree.ts';

export const LITERAL_SHAPE: TreeShape = {
  symbols: LITERAL_SYMBOLS,
  limit: 15,
  extraBits: LENGTH_EXTRA,
  extraBase: END_OF_BLOCK + 1,
  fixedLengths: FIXED_LITERALS.lengths,
};

export const DISTANCE_SHAPE: TreeShape = {
  symbols: DISTANCE_SYMBOLS,
  limit: 15,
  extraBits: DISTANCE_EXTRA,
  extraBase: 0,
  fixedLengths: FIXED_DISTANCES.lengths,
};

const RUN_EXTRA = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7);

export class ZlibHeader {
  readonly #runs = new Tree({ symbols: 19, limit: 7, extraBits: RUN_EXTRA, extraBase: 0 });
  /** Code lengths in runs: `symbol | extra << 8`. */
  readonly #items: number[] = [];
  #sent = 0;
  #literalCount = 0;
  #distanceCount = 0;

  /** Size of the header with the block's first three bits. */
  get sizeBits(): number {
    return this.#runs.sizeBits + 3 * this.#sent + 5 + 5 + 4 + 3;
  }

  /** Takes built trees, which must not change before `write`. */
  prepare(literals: Tree, distances: Tree): void {
    this.#items.length = 0;
    this.#runs.frequencies.fill(0);
    this.#literalCount = literals.largest + 1;
    this.#distanceCount = distances.largest + 1;
    this.#collectRuns(literals);
    this.#collectRuns(distances);
    this.#runs.build();
    let sent = 19;
    while (sent > 4 && this.#runs.lengths[CODE_LENGTH_ORDER[sent - 1]!] === 0) sent--;
    this.#sent = sent;
  }

  /** Runs of one alphabet; they do not cross into the other. */
  #collectRuns(tree: Tree): void {
    const { lengths, largest } = tree;
    let before = -1;
    for (let at = 0; at <= largest; ) {
      const value = lengths[at]!;
      const longest = value === 0 ? 138 : value === before ? 6 : 7;
      const shortest = value === 0 || value === before ? 3 : 4;
      let count = 1;
      while (count < longest && at + count <= largest && lengths[at + count] === value) count++;
      this.#run(value, count, shortest, value === before);
      at += count;
      before = value;
    }
  }

  #run(value: number, count: number, shortest: number, isRepeat: boolean): void {
    if (count < shortest) for (let left = count; left > 0; left--) this.#item(value, 0);
    else if (value !== 0) {
      if (!isRepeat) this.#item(value, 0);
      this.#item(16, count - (isRepeat ? 0 : 1) - 3);
    } else if (count <= 10) this.#item(17, count - 3);
    else this.#item(18, count - 11);
  }

  #item(symbol: number, extra: number): void {
    this.#items.push(symbol | (extra << 8));
    this.#runs.frequencies[symbol] = this.#runs.frequencies[symbol]! + 1;
  }

  write(bits: BitWriter, isFinal: boolean): void {
    const { codes, lengths } = this.#runs;
    bits.bits(isFinal ? 5 : 4, 3);
    bits.bits(this.#literalCount - 257, 5);
    bits.bits(this.#distanceCount - 1, 5);
    bits.bits(this.#sent - 4, 4);
    for (let index = 0; index < this.#sent; index++) bits.bits(lengths[CODE_LENGTH_ORDER[index]!]!, 3);
    for (const item of this.#items) {
      const symbol = item & 0xff;
      bits.bits(codes[symbol]!, lengths[symbol]!);
      if (symbol >= 16) bits.bits(item >> 8, RUN_EXTRA[symbol]!);
    }
  }
}
