/**
 * Writes bits, lowest first, as DEFLATE wants them. Output leaves in pieces through a callback, so memory stays
 * bounded; a piece is valid during the call, and its memory is used again for the next.
 */
import { type Packer, type PackTables, startPacker } from '../kernels/pack.ts';
import {
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  DISTANCE_SYMBOL,
  FIRST_MATCH,
  FIXED_DISTANCES,
  LENGTH_BASE,
  LENGTH_EXTRA,
  LENGTH_SYMBOL,
  type PrefixCode,
} from './codes.ts';

const TABLES: PackTables = {
  lengthSymbols: LENGTH_SYMBOL,
  lengthBases: LENGTH_BASE,
  lengthExtras: LENGTH_EXTRA,
  distanceSymbols: DISTANCE_SYMBOL,
  distanceBases: DISTANCE_BASE,
  distanceExtras: DISTANCE_EXTRA,
};
/** Fewer tokens than this are not worth copying to the kernel. */
const WORTH_PACKING = 256;

/** Takes pieces of output, in order, each valid during the call. */
export type ByteSink = (piece: Uint8Array) => void;

/** The first piece is small, so that a trial of a model learns early that it is the wrong one. */
const FIRST_PIECE_BYTES = 1 << 11;
const PIECE_BYTES = 1 << 16;
/** The most bytes one token can add: 15 + 5 + 15 + 13 bits, and what was held back. */
const TOKEN_BYTES = 8;

export class BitWriter {
  readonly #sink: ByteSink;
  #room: Uint8Array = new Uint8Array(FIRST_PIECE_BYTES);
  /** The beginning of it that the next piece may fill. */
  #piece: Uint8Array = this.#room;
  #used = 0;
  /** Bits not yet in the piece, lowest first; fewer than 16. */
  #held = 0;
  #heldCount = 0;
  /** Null where there is no WebAssembly. */
  #packer: Packer | null | undefined;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** How many bits are written beyond the last whole byte: 0 to 7. */
  get openBits(): number {
    return this.#heldCount & 7;
  }

  /** Writes the lowest `count` (0 to 16) bits of `value`, whose other bits must be 0. */
  bits(value: number, count: number): void {
    this.#held |= value << this.#heldCount;
    this.#heldCount += count;
    if (this.#heldCount >= 16) this.#spill();
  }

  /** Fills up the last byte with zero bits. */
  align(): void {
    this.#heldCount = (this.#heldCount + 7) & ~7;
    if (this.#heldCount >= 16) this.#spill();
  }

  /** Writes whole bytes; the writer must be aligned. */
  bytes(from: Uint8Array, start: number, end: number): void {
    if (this.#heldCount === 8) {
      this.#reserve(1);
      this.#piece[this.#used++] = this.#held;
      this.#held = 0;
      this.#heldCount = 0;
    }
    this.#copy(from, start, end);
  }

  #copy(from: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      this.#reserve(1);
      const count = Math.min(end - at, this.#piece.length - this.#used);
      this.#piece.set(from.subarray(at, at + count), this.#used);
      this.#used += count;
      at += count;
    }
  }

  /** Hands out every whole byte written so far. */
  flush(): void {
    if (this.#heldCount >= 8) {
      this.#reserve(1);
      this.#piece[this.#used++] = this.#held;
      this.#held >>>= 8;
      this.#heldCount -= 8;
    }
    this.#hand();
  }

  /** Writes `count` tokens with the given codes, which must have a code for every symbol met. */
  tokens(tokens: Uint32Array, count: number, literals: PrefixCode, distances: PrefixCode): void {
    if (count >= WORTH_PACKING && this.#packer === undefined) this.#packer = startPacker(TABLES) ?? null;
    if (count < WORTH_PACKING || this.#packer === null || this.#packer === undefined) {
      this.tokensPlainly(tokens, count, literals, distances);
      return;
    }
    const packer = this.#packer;
    packer.held = this.#held;
    packer.heldCount = this.#heldCount;
    packer.pack(tokens, count, literals, distances, (bytes) => this.#copy(bytes, 0, bytes.length));
    this.#held = packer.held;
    this.#heldCount = packer.heldCount;
  }

  /** The reference of the kernel that packs tokens, and what runs for few of them and where it can't. */
  tokensPlainly(tokens: Uint32Array, count: number, literals: PrefixCode, distances: PrefixCode): void {
    const literalCodes = literals.codes;
    const literalLengths = literals.lengths;
    const distanceCodes = distances.codes;
    const distanceLengths = distances.lengths;
    let piece = this.#piece;
    let used = this.#used;
    let held = this.#held;
    let heldCount = this.#heldCount;
    for (let index = 0; index < count; index++) {
      if (used > piece.length - TOKEN_BYTES) {
        this.#used = used;
        this.#hand();
        piece = this.#piece;
        used = 0;
      }
      const token = tokens[index]!;
      if (token < FIRST_MATCH) {
        held |= literalCodes[token]! << heldCount;
        heldCount += literalLengths[token]!;
        if (heldCount >= 16) {
          piece[used++] = held;
          piece[used++] = held >>> 8;
          held >>>= 16;
          heldCount -= 16;
        }
        continue;
      }
      const length = token >>> 16;
      const distance = token & 0xffff;
      const lengthSymbol = LENGTH_SYMBOL[length]!;
      held |= literalCodes[257 + lengthSymbol]! << heldCount;
      heldCount += literalLengths[257 + lengthSymbol]!;
      if (heldCount >= 16) {
        piece[used++] = held;
        piece[used++] = held >>> 8;
        held >>>= 16;
        heldCount -= 16;
      }
      const lengthExtra = LENGTH_EXTRA[lengthSymbol]!;
      if (lengthExtra > 0) {
        held |= (length - LENGTH_BASE[lengthSymbol]!) << heldCount;
        heldCount += lengthExtra;
        if (heldCount >= 16) {
          piece[used++] = held;
          piece[used++] = held >>> 8;
          held >>>= 16;
          heldCount -= 16;
        }
      }
      const symbol = DISTANCE_SYMBOL[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)]!;
      held |= distanceCodes[symbol]! << heldCount;
      heldCount += distanceLengths[symbol]!;
      if (heldCount >= 16) {
        piece[used++] = held;
        piece[used++] = held >>> 8;
        held >>>= 16;
        heldCount -= 16;
      }
      const distanceExtra = DISTANCE_EXTRA[symbol]!;
      if (distanceExtra > 0) {
        held |= (distance - DISTANCE_BASE[symbol]!) << heldCount;
        heldCount += distanceExtra;
        if (heldCount >= 16) {
          piece[used++] = held;
          piece[used++] = held >>> 8;
          held >>>= 16;
          heldCount -= 16;
        }
      }
    }
    this.#used = used;
    this.#held = held;
    this.#heldCount = heldCount;
  }

  /** Writes every byte of a range as a literal of the given code. */
  literals(from: Uint8Array, start: number, end: number, code: PrefixCode): void {
    this.tokens(new Uint32Array(from.subarray(start, end)), end - start, code, FIXED_DISTANCES);
  }

  #spill(): void {
    this.#reserve(2);
    this.#piece[this.#used++] = this.#held;
    this.#piece[this.#used++] = this.#held >>> 8;
    this.#held >>>= 16;
    this.#heldCount -= 16;
  }

  #reserve(count: number): void {
    if (this.#used + count > this.#piece.length) this.#hand();
  }

  #hand(): void {
    if (this.#used === 0) return;
    const used = this.#used;
    this.#used = 0;
    this.#sink(this.#piece.subarray(0, used));
    const next = Math.max(FIRST_PIECE_BYTES, Math.min(PIECE_BYTES, 4 * used));
    if (next > this.#room.length) this.#room = new Uint8Array(next);
    this.#piece = this.#room.subarray(0, next);
  }
}
