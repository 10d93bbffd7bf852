/**
 * The blocks of Go's compress/flate up to 1.26: which of stored, fixed and dynamic it takes, and their bits. Every
 * comparison here is part of the frozen engine.
 */
import { BitWriter, type ByteSink } from '../bits.ts';
import {
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  LITERAL_SYMBOLS,
  type PrefixCode,
} from '../codes.ts';
import { extraBits, fixedBits, usedSymbols } from '../costs.ts';
import { countTokens } from '../histogram.ts';
import { CodeLengthHeader } from './code-lengths.ts';
import { PrefixCodeBuilder } from './prefix-code.ts';

const LARGEST_STORED = 65535;
/** Go declares one distance code of one bit where there is no match at all. */
const NO_DISTANCES: PrefixCode = oneDistance();

export class LegacyBlockWriter {
  readonly #bits: BitWriter;
  readonly #literalCounts = new Int32Array(LITERAL_SYMBOLS);
  readonly #distanceCounts = new Int32Array(DISTANCE_SYMBOLS);
  readonly #literals = new PrefixCodeBuilder(LITERAL_SYMBOLS);
  readonly #distances = new PrefixCodeBuilder(DISTANCE_SYMBOLS);
  readonly #header = new CodeLengthHeader();

  constructor(sink: ByteSink) {
    this.#bits = new BitWriter(sink);
  }

  /**
   * A block of levels 2 to 9. `plain` is where its plain bytes start and end in `from`, or a start of −1 when the
   * encoder no longer has them; then it can't store them, and leaves the extra bits out of its sums.
   */
  block(tokens: Uint32Array, count: number, from: Uint8Array, start: number, end: number): void {
    countTokens(tokens, count, this.#literalCounts, this.#distanceCounts);
    this.#literalCounts[END_OF_BLOCK] = 1;
    const literalCount = usedSymbols(this.#literalCounts);
    const distanceCount = this.#buildCodes(literalCount);
    const storable = start >= 0 && end - start <= LARGEST_STORED;
    const extra = storable ? extraBits(this.#literalCounts, this.#distanceCounts) : 0;
    const inFixed = fixedBits(this.#literalCounts, this.#distanceCounts) + extra;
    const dynamicBits = this.#dynamicBits(literalCount, distanceCount) + extra;
    const smaller = Math.min(inFixed, dynamicBits);
    if (storable && (end - start + 5) * 8 < smaller) this.stored(from, start, end);
    else if (dynamicBits < inFixed) this.#dynamic(tokens, count);
    else this.#fixed(tokens, count);
  }

  /** A block of level 1: never fixed, and stored when that costs less than a sixteenth more. */
  fastBlock(tokens: Uint32Array, count: number, from: Uint8Array, start: number, end: number): void {
    countTokens(tokens, count, this.#literalCounts, this.#distanceCounts);
    this.#literalCounts[END_OF_BLOCK] = 1;
    const literalCount = usedSymbols(this.#literalCounts);
    const distanceCount = this.#buildCodes(literalCount);
    const size = this.#dynamicBits(literalCount, distanceCount);
    if ((end - start + 5) * 8 < size + (size >> 4)) this.stored(from, start, end);
    else this.#dynamic(tokens, count);
  }

  /** A block of literals only, as level −2 and incompressible parts of level 1 have it. */
  literalBlock(from: Uint8Array, start: number, end: number): void {
    const counts = this.#literalCounts.fill(0);
    for (let at = start; at < end; at++) counts[from[at]!] = counts[from[at]!]! + 1;
    counts[END_OF_BLOCK] = 1;
    this.#literals.build(counts, END_OF_BLOCK + 1, 15);
    this.#header.prepare(this.#literals, END_OF_BLOCK + 1, NO_DISTANCES, 1);
    const size = this.#header.sizeBits + this.#literals.sizeBits(counts, END_OF_BLOCK + 1) + 1;
    if ((end - start + 5) * 8 < size + (size >> 4)) {
      this.stored(from, start, end);
      return;
    }
    this.#header.write(this.#bits, false);
    this.#bits.literals(from, start, end, this.#literals);
    this.#endBlock(this.#literals);
  }

  /** A stored block of at most 65535 bytes. */
  stored(from: Uint8Array, start: number, end: number): void {
    this.#storedHeader(end - start, false);
    this.#bits.bytes(from, start, end);
  }

  /** The empty stored block of a flush, or of the end when it is final; hands out everything. */
  marker(isFinal: boolean): void {
    this.#storedHeader(0, isFinal);
    this.#bits.flush();
  }

  #storedHeader(length: number, isFinal: boolean): void {
    this.#bits.bits(isFinal ? 1 : 0, 3);
    this.#bits.align();
    this.#bits.bits(length, 16);
    this.#bits.bits(length ^ 0xffff, 16);
  }

  /** Builds both codes; returns how many distance symbols are declared. */
  #buildCodes(literalCount: number): number {
    let distanceCount = usedSymbols(this.#distanceCounts);
    if (distanceCount === 0) {
      this.#distanceCounts[0] = 1;
      distanceCount = 1;
    }
    this.#literals.build(this.#literalCounts, literalCount, 15);
    this.#distances.build(this.#distanceCounts, distanceCount, 15);
    return distanceCount;
  }

  #dynamicBits(literalCount: number, distanceCount: number): number {
    this.#header.prepare(this.#literals, literalCount, this.#distances, distanceCount);
    return (
      this.#header.sizeBits +
      this.#literals.sizeBits(this.#literalCounts, literalCount) +
      this.#distances.sizeBits(this.#distanceCounts, distanceCount)
    );
  }

  #dynamic(tokens: Uint32Array, count: number): void {
    this.#header.write(this.#bits, false);
    this.#bits.tokens(tokens, count, this.#literals, this.#distances);
    this.#endBlock(this.#literals);
  }

  #fixed(tokens: Uint32Array, count: number): void {
    this.#bits.bits(2, 3);
    this.#bits.tokens(tokens, count, FIXED_LITERALS, FIXED_DISTANCES);
    this.#endBlock(FIXED_LITERALS);
  }

  #endBlock(literals: PrefixCode): void {
    this.#bits.bits(literals.codes[END_OF_BLOCK]!, literals.lengths[END_OF_BLOCK]!);
  }
}

function oneDistance(): PrefixCode {
  const lengths = new Uint8Array(DISTANCE_SYMBOLS);
  lengths[0] = 1;
  return { codes: new Uint16Array(DISTANCE_SYMBOLS), lengths };
}
