/**
 * The blocks of Go 1.27's encoder. A block stays open, its end-of-block symbol owed, for as long as its table is
 * worth using for what follows. Every comparison here is part of the frozen engine.
 */
import { BitWriter, type ByteSink } from '../bits.ts';
import {
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  LITERAL_SYMBOLS,
} from '../codes.ts';
import { extraBits, fixedBits } from '../costs.ts';
import { CodeLengthHeader } from '../go-legacy/code-lengths.ts';
import { PrefixCodeBuilder } from '../go-legacy/prefix-code.ts';
import { countTokens } from '../histogram.ts';
import { fill, hasCodes, isNoise, literalBits, NO_CODE } from './counts.ts';
import { estimateBits } from './estimate.ts';

const FEW_TOKENS = 250;
const LARGEST_STORED = 65535;
const GUESSED_HEADER_BITS = 560;

export interface BlockOptions {
  /** Whether unused symbols at the end of the alphabets are left out of headers (from 1.18.2 on). */
  readonly trim: boolean;
  /**
   * Releases before 1.11.13: every symbol gets a code as if seen once more, so that tables can always be used
   * again, and blocks are never fixed.
   */
  readonly fillsTables: boolean;
  /** A new table must be better by one part in 2^this. */
  readonly penaltyShift: number;
}

export class ModernBlockWriter {
  readonly #bits: BitWriter;
  readonly #options: BlockOptions;
  readonly #literalCounts = new Int32Array(LITERAL_SYMBOLS);
  readonly #distanceCounts = new Int32Array(DISTANCE_SYMBOLS);
  #literals = new PrefixCodeBuilder(LITERAL_SYMBOLS);
  #otherLiterals = new PrefixCodeBuilder(LITERAL_SYMBOLS);
  readonly #distances = new PrefixCodeBuilder(DISTANCE_SYMBOLS);
  readonly #noDistances = new PrefixCodeBuilder(DISTANCE_SYMBOLS);
  readonly #header = new CodeLengthHeader();
  /** Header bits of the open block; 0 when none is open. */
  #openHeader = 0;
  #openIsLiteral = false;

  constructor(options: BlockOptions, sink: ByteSink) {
    this.#options = options;
    this.#bits = new BitWriter(sink);
    this.#noDistances.build(Int32Array.of(1), 1, 15);
  }

  /** A block of tokens; `start` −1: its plain bytes are gone. With `sync` it does not stay open. */
  block(
    tokens: Uint32Array,
    count: number,
    from: Uint8Array,
    start: number,
    end: number,
    sync: boolean,
  ): void {
    countTokens(tokens, count, this.#literalCounts, this.#distanceCounts);
    if (sync) this.#literalCounts[END_OF_BLOCK] = 1;
    const total = sync ? count + 1 : count;
    if (this.#openHeader > 0 && this.#openIsLiteral) this.#closeBlock();
    if (this.#options.fillsTables) {
      this.#filledBlock(tokens, count, from, start, end, sync);
      return;
    }
    if (this.#openHeader > 0 && !this.#openCodeFits()) this.#closeBlock();
    const extra = extraBits(this.#literalCounts, this.#distanceCounts);
    const storedBits = start >= 0 && end - start <= LARGEST_STORED ? (end - start + 5) * 8 : NO_CODE;
    if (this.#openHeader > 0) {
      const size = this.#chooseTable(total, extra);
      if (total < FEW_TOKENS && fixedBits(this.#literalCounts, this.#distanceCounts) + extra + 7 < size) {
        if (storedBits <= size) this.stored(from, start, end);
        else this.#fixed(tokens, count);
        return;
      }
      if (storedBits <= size) {
        this.stored(from, start, end);
        return;
      }
    }
    if (this.#openHeader === 0) {
      const size = this.#newTable(sync) + extra;
      const inFixed = fixedBits(this.#literalCounts, this.#distanceCounts) + extra;
      if (total < FEW_TOKENS && inFixed <= size) {
        if (storedBits <= inFixed) this.stored(from, start, end);
        else this.#fixed(tokens, count);
        return;
      }
      if (storedBits <= size) {
        this.stored(from, start, end);
        return;
      }
      this.#header.write(this.#bits, false);
      this.#openHeader = this.#header.sizeBits;
      this.#openIsLiteral = false;
    }
    this.#bits.tokens(tokens, count, this.#literals, this.#distances);
    if (sync) this.#closeBlock();
  }

  /** The same in older releases. */
  #filledBlock(
    tokens: Uint32Array,
    count: number,
    from: Uint8Array,
    start: number,
    end: number,
    sync: boolean,
  ): void {
    const literals = this.#literalCounts;
    const distances = this.#distanceCounts;
    const filled = sync ? 1 : fill(literals);
    if (!sync) fill(distances);
    const extra = extraBits(this.#literalCounts, this.#distanceCounts);
    const isWorse = (size: number) => start >= 0 && (end - start + 5) * 8 < size + (size >> 4);
    if (this.#openHeader > 0) {
      let size = this.#openHeader + estimateBits(literals, distances, count + filled);
      size += size >> this.#options.penaltyShift;
      const reused =
        this.#literals.sizeBits(literals, LITERAL_SYMBOLS) +
        this.#distances.sizeBits(distances, DISTANCE_SYMBOLS) +
        extra;
      if (size < reused) this.#closeBlock();
      if (isWorse(Math.min(size, reused))) {
        this.stored(from, start, end);
        return;
      }
    }
    if (this.#openHeader === 0) {
      if (isWorse(this.#newTable(sync) + extra)) {
        this.stored(from, start, end);
        return;
      }
      this.#header.write(this.#bits, false);
      this.#openHeader = this.#header.sizeBits;
      this.#openIsLiteral = false;
    }
    this.#bits.tokens(tokens, count, this.#literals, this.#distances);
    if (sync) this.#closeBlock();
  }

  /** A block of literals only, or stored when it is noise. */
  literalBlock(from: Uint8Array, start: number, end: number, sync: boolean): void {
    const counts = this.#literalCounts.fill(0);
    for (let at = start; at < end; at++) counts[from[at]!] = counts[from[at]!]! + 1;
    const size = end - start;
    if (size > 1024 && isNoise(counts, size)) {
      this.stored(from, start, end);
      return;
    }
    counts[END_OF_BLOCK] = 1;
    this.#otherLiterals.build(counts, END_OF_BLOCK + 1, 15);
    let estimate = this.#otherLiterals.sizeBits(counts, END_OF_BLOCK + 1);
    estimate += this.#openHeader > 0 ? this.#openHeader : GUESSED_HEADER_BITS;
    estimate += estimate >> this.#options.penaltyShift;
    if ((size + 5) * 8 <= estimate) {
      this.stored(from, start, end);
      return;
    }
    if (this.#openHeader > 0 && estimate < literalBits(this.#literals, counts)) this.#closeBlock();
    if (this.#openHeader === 0) {
      const built = this.#otherLiterals;
      this.#otherLiterals = this.#literals;
      this.#literals = built;
      this.#header.prepare(built, END_OF_BLOCK + 1, this.#noDistances, 1);
      this.#header.write(this.#bits, false);
      this.#openHeader = this.#header.sizeBits;
      this.#openIsLiteral = true;
    }
    this.#bits.literals(from, start, end, this.#literals);
    if (sync) this.#closeBlock();
  }

  stored(from: Uint8Array, start: number, end: number): void {
    this.#storedHeader(end - start);
    this.#bits.bytes(from, start, end);
  }

  /** The empty stored block of a flush; hands out everything. */
  flush(): void {
    this.#storedHeader(0);
    this.#bits.flush();
  }

  /** The empty fixed block at the end; hands out everything. */
  finish(): void {
    this.#closeBlock();
    this.#bits.bits(3, 3);
    this.#bits.bits(0, 7);
    this.#bits.align();
    this.#bits.flush();
  }

  #storedHeader(length: number): void {
    this.#closeBlock();
    this.#bits.bits(0, 3);
    this.#bits.align();
    this.#bits.bits(length, 16);
    this.#bits.bits(length ^ 0xffff, 16);
  }

  /** Writes the end-of-block symbol if one is owed. */
  #closeBlock(): void {
    if (this.#openHeader === 0) return;
    this.#bits.bits(this.#literals.codes[END_OF_BLOCK]!, this.#literals.lengths[END_OF_BLOCK]!);
    this.#openHeader = 0;
    this.#openIsLiteral = false;
  }

  /** Closes the open block if a new table is estimated to be better; the size of the better way. */
  #chooseTable(total: number, extra: number): number {
    const literals = this.#literalCounts;
    const distances = this.#distanceCounts;
    let fresh = this.#openHeader + estimateBits(literals, distances, total);
    fresh += this.#literals.lengths[END_OF_BLOCK]! + (fresh >> this.#options.penaltyShift);
    const reused =
      this.#literals.sizeBits(literals, LITERAL_SYMBOLS) +
      this.#distances.sizeBits(distances, DISTANCE_SYMBOLS) +
      extra;
    if (fresh >= reused) return reused;
    this.#closeBlock();
    return fresh;
  }

  /** Builds a table and its header; returns the block's size but for extra bits. */
  #newTable(sync: boolean): number {
    const literals = this.#literalCounts;
    const distances = this.#distanceCounts;
    literals[END_OF_BLOCK] = 1;
    let literalCount = LITERAL_SYMBOLS;
    let distanceCount = DISTANCE_SYMBOLS;
    if (this.#options.trim || sync) {
      while (literals[literalCount - 1] === 0) literalCount--;
      while (distanceCount > 0 && distances[distanceCount - 1] === 0) distanceCount--;
      if (distanceCount === 0) {
        distances[0] = 1;
        distanceCount = 1;
      }
    }
    this.#literals.build(literals, LITERAL_SYMBOLS, 15);
    this.#distances.build(distances, DISTANCE_SYMBOLS, 15);
    this.#header.prepare(this.#literals, literalCount, this.#distances, distanceCount);
    return (
      this.#header.sizeBits +
      this.#literals.sizeBits(literals, LITERAL_SYMBOLS) +
      this.#distances.sizeBits(distances, DISTANCE_SYMBOLS)
    );
  }

  #fixed(tokens: Uint32Array, count: number): void {
    this.#closeBlock();
    this.#bits.bits(2, 3);
    this.#bits.tokens(tokens, count, FIXED_LITERALS, FIXED_DISTANCES);
    this.#bits.bits(FIXED_LITERALS.codes[END_OF_BLOCK]!, 7);
  }

  #openCodeFits(): boolean {
    return (
      hasCodes(this.#literals, this.#literalCounts, LITERAL_SYMBOLS) &&
      hasCodes(this.#distances, this.#distanceCounts, DISTANCE_SYMBOLS)
    );
  }
}
