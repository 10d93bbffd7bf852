/**
 * The blocks of zlib and GNU gzip: which of stored, fixed and dynamic they take, and their bits, headers with
 * zlib's own choice of runs. Every comparison here is part of the frozen engine.
 */
import { BitWriter, type ByteSink } from '../bits.ts';
import {
  CODE_LENGTH_ORDER,
  DISTANCE_EXTRA,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  LENGTH_EXTRA,
  LITERAL_SYMBOLS,
  type PrefixCode,
} from '../codes.ts';
import { countTokens } from '../histogram.ts';
import { Tree } from './tree.ts';

const RUN_EXTRA = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7);

export class ZlibBlockWriter {
  readonly #bits: BitWriter;
  readonly #literals = new Tree({
    symbols: LITERAL_SYMBOLS,
    limit: 15,
    extraBits: LENGTH_EXTRA,
    extraBase: END_OF_BLOCK + 1,
    fixedLengths: FIXED_LITERALS.lengths,
  });
  readonly #distances = new Tree({
    symbols: DISTANCE_SYMBOLS,
    limit: 15,
    extraBits: DISTANCE_EXTRA,
    extraBase: 0,
    fixedLengths: FIXED_DISTANCES.lengths,
  });
  readonly #runs = new Tree({ symbols: 19, limit: 7, extraBits: RUN_EXTRA, extraBase: 0 });
  /** Code lengths in runs: `symbol | extra << 8`. */
  readonly #items: number[] = [];

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
    const sent = this.#prepareHeader();
    const headerBits = this.#runs.sizeBits + 3 * sent + 5 + 5 + 4;
    const fixedBytes = (this.#literals.fixedBits + this.#distances.fixedBits + 3 + 7) >>> 3;
    const dynamicBytes = (this.#literals.sizeBits + this.#distances.sizeBits + headerBits + 3 + 7) >>> 3;
    const best = Math.min(fixedBytes, dynamicBytes);
    if (start >= 0 && end - start + 4 <= best) this.#stored(from, start, end, isFinal);
    else if (fixedBytes === best) {
      this.#bits.bits(isFinal ? 3 : 2, 3);
      this.#tokens(tokens, count, FIXED_LITERALS, FIXED_DISTANCES);
    } else {
      this.#bits.bits(isFinal ? 5 : 4, 3);
      this.#header(sent);
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

  /** Builds the code of code lengths; returns how many of its lengths are sent. */
  #prepareHeader(): number {
    this.#items.length = 0;
    this.#runs.frequencies.fill(0);
    this.#collectRuns(this.#literals);
    this.#collectRuns(this.#distances);
    this.#runs.build();
    let sent = 19;
    while (sent > 4 && this.#runs.lengths[CODE_LENGTH_ORDER[sent - 1]!] === 0) sent--;
    return sent;
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

  #header(sent: number): void {
    const bits = this.#bits;
    const { codes, lengths } = this.#runs;
    bits.bits(this.#literals.largest - 256, 5);
    bits.bits(this.#distances.largest, 5);
    bits.bits(sent - 4, 4);
    for (let index = 0; index < sent; index++) bits.bits(lengths[CODE_LENGTH_ORDER[index]!]!, 3);
    for (const item of this.#items) {
      const symbol = item & 0xff;
      bits.bits(codes[symbol]!, lengths[symbol]!);
      if (symbol >= 16) bits.bits(item >> 8, RUN_EXTRA[symbol]!);
    }
  }
}
