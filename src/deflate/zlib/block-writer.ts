/**
 * The blocks of zlib and GNU gzip: which of stored, fixed and dynamic they take, and their bits, headers with
 * zlib's own choice of runs. Every comparison here is part of the frozen engine.
 */
import { BitWriter, type ByteSink } from '../bits.ts';
import { END_OF_BLOCK, FIXED_DISTANCES, FIXED_LITERALS, type PrefixCode } from '../codes.ts';
import { countTokens } from '../histogram.ts';
import { DISTANCE_SHAPE, LITERAL_SHAPE, ZlibHeader } from './header.ts';
import { Tree } from './tree.ts';

export class ZlibBlockWriter {
  readonly #bits: BitWriter;
  readonly #literals = new Tree(LITERAL_SHAPE);
  readonly #distances = new Tree(DISTANCE_SHAPE);
  readonly #header = new ZlibHeader();

  constructor(sink: ByteSink) {
    this.#bits = new BitWriter(sink);
  }

  /** A block; `start` is −1 when the encoder no longer has its plain bytes, and so can't store them. */
  block(
    tokens: Uint32Array,
    count: number,
    from: Uint8Array,
    start: number,
    end: number,
    isFinal: boolean,
  ): void {
    countTokens(tokens, count, this.#literals.frequencies, this.#distances.frequencies);
    this.#literals.frequencies[END_OF_BLOCK] = 1;
    this.#literals.build();
    this.#distances.build();
    this.#header.prepare(this.#literals, this.#distances);
    const fixedBytes = (this.#literals.fixedBits + this.#distances.fixedBits + 3 + 7) >>> 3;
    const dynamicBytes =
      (this.#literals.sizeBits + this.#distances.sizeBits + this.#header.sizeBits + 7) >>> 3;
    const best = Math.min(fixedBytes, dynamicBytes);
    if (start >= 0 && end - start + 4 <= best) this.#stored(from, start, end, isFinal);
    else if (fixedBytes === best) {
      this.#bits.bits(isFinal ? 3 : 2, 3);
      this.#tokens(tokens, count, FIXED_LITERALS, FIXED_DISTANCES);
    } else {
      this.#header.write(this.#bits, isFinal);
      this.#tokens(tokens, count, this.#literals, this.#distances);
    }
    if (isFinal) this.finish();
  }

  /** Bits written beyond a whole byte: 0 to 7. */
  get openBits(): number {
    return this.#bits.openBits;
  }

  /** The empty stored block of a sync flush. */
  marker(): void {
    this.#stored(new Uint8Array(0), 0, 0, false);
  }

  /** An empty fixed block: ten bits. */
  emptyFixed(): void {
    this.#bits.bits(2, 10);
  }

  /** Fills up the last byte and hands out everything. */
  finish(): void {
    this.#bits.align();
    this.#bits.flush();
  }

  #stored(from: Uint8Array, start: number, end: number, isFinal: boolean): void {
    this.#bits.bits(isFinal ? 1 : 0, 3);
    this.#bits.align();
    this.#bits.bits(end - start, 16);
    this.#bits.bits((end - start) ^ 0xffff, 16);
    this.#bits.bytes(from, start, end);
  }

  #tokens(tokens: Uint32Array, count: number, literals: PrefixCode, distances: PrefixCode): void {
    this.#bits.tokens(tokens, count, literals, distances);
    this.#bits.bits(literals.codes[END_OF_BLOCK]!, literals.lengths[END_OF_BLOCK]!);
  }
}
