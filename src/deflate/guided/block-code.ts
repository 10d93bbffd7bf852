/** What a guided stream says about a block before its tokens. Part of the frozen engine. */
import { corrupt } from '../../errors.ts';
import { MOST_HEADER_BITS } from './headers.ts';
import { NumberCode } from './numbers.ts';
import { type BitCoder, Contexts } from './range-coder.ts';

export const STORED = 0;
export const FIXED = 1;
/** Dynamic with a header as Go or zlib make it of the tokens, or with the bits given. */
export const GO_HEADER = 2;
export const ZLIB_HEADER = 3;
export const OWN_HEADER = 4;

export interface BlockPlan {
  readonly kind: number;
  readonly isFinal: boolean;
  /** Tokens, or the bytes of a stored block. */
  readonly count: number;
  /** With OWN_HEADER: its bits from the block's first on. */
  readonly header: Uint8Array;
  readonly headerBits: number;
}

/** More tokens than this in a block are neither described nor held in memory. */
export const MOST_TOKENS = 1 << 20;

export class BlockCode {
  readonly #coder: BitCoder;
  readonly #isFinal = new Contexts(1);
  readonly #kinds = new Contexts(5 * 8);
  readonly #isSameCount = new Contexts(1);
  readonly #counts = new NumberCode();
  readonly #headerSizes = new NumberCode();
  #lastKind = 0;
  #lastCount = 0;

  constructor(coder: BitCoder) {
    this.#coder = coder;
  }

  /** Codes a plan; a decoder ignores what it is given. */
  plan(truth: BlockPlan): BlockPlan {
    const coder = this.#coder;
    const isFinal = coder.bit(this.#isFinal, 0, truth.isFinal ? 1 : 0) === 1;
    const kind = this.#kind(truth.kind);
    if (kind === STORED) {
      const count = coder.plain(16, truth.count);
      return { kind, isFinal, count, header: EMPTY, headerBits: 0 };
    }
    const count = this.#count(truth.count);
    if (kind !== OWN_HEADER) return { kind, isFinal, count, header: EMPTY, headerBits: 0 };
    const headerBits = this.#headerSizes.code(coder, truth.headerBits);
    if (headerBits > MOST_HEADER_BITS)
      throw corrupt('the corrections of a blob hold too long a block header');
    const header = new Uint8Array((headerBits + 7) >> 3);
    for (let at = 0; at < headerBits; at++) {
      const bit = coder.plain(1, (truth.header[at >> 3] ?? 0) >> (at & 7)) & 1;
      header[at >> 3] = header[at >> 3]! | (bit << (at & 7));
    }
    return { kind, isFinal, count, header, headerBits };
  }

  #kind(truth: number): number {
    let kind = 0;
    for (let shift = 2; shift >= 0; shift--) {
      const node = (1 << (2 - shift)) | kind;
      kind = (kind << 1) | this.#coder.bit(this.#kinds, this.#lastKind * 8 + node, (truth >> shift) & 1);
    }
    if (kind > OWN_HEADER) throw corrupt(`the corrections of a blob hold a block of kind ${kind}`);
    this.#lastKind = kind;
    return kind;
  }

  #count(truth: number): number {
    const isSame = this.#coder.bit(this.#isSameCount, 0, truth === this.#lastCount ? 0 : 1) === 0;
    const count = isSame ? this.#lastCount : this.#counts.code(this.#coder, truth);
    if (count > MOST_TOKENS) throw corrupt(`the corrections of a blob hold a block of ${count} tokens`);
    this.#lastCount = count;
    return count;
  }
}

const EMPTY = new Uint8Array(0);
/** What a decoder passes for a plan it does not know yet. */
export const NO_PLAN: BlockPlan = { kind: 0, isFinal: false, count: 0, header: EMPTY, headerBits: 0 };
