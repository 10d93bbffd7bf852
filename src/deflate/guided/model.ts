/**
 * A blob of an encoder that has no model: every token and block as the corrections tell them, against what is
 * likely. Memory is bounded by the longest block that may be described.
 */
import { corrupt } from '../../errors.ts';
import { BitWriter, type ByteSink } from '../bits.ts';
import { END_OF_BLOCK, FIXED_DISTANCES, FIXED_LITERALS, type PrefixCode } from '../codes.ts';
import { countTokens } from '../histogram.ts';
import type { DeflateModel } from '../model.ts';
import { BlockCode, type BlockPlan, FIXED, GO_HEADER, NO_PLAN, OWN_HEADER, STORED } from './block-code.ts';
import { coversTokens, type DynamicHeader, HeaderMaker, parseHeader } from './headers.ts';
import { BitDecoder } from './range-coder.ts';
import { LOOKAHEAD, TokenCode } from './token-code.ts';

export function createGuidedModel(corrections: Uint8Array, sink: ByteSink): DeflateModel {
  return new GuidedModel(corrections, sink);
}

class GuidedModel implements DeflateModel {
  readonly #bits: BitWriter;
  readonly #blocks: BlockCode;
  readonly #tokenCode: TokenCode;
  readonly #headers = new HeaderMaker();
  readonly #literalCounts = new Int32Array(286);
  readonly #distanceCounts = new Int32Array(30);
  #tokens = new Uint32Array(1 << 15);
  /** The block being made; undefined between blocks. */
  #plan: BlockPlan | undefined;
  #done = 0;
  #isEnded = false;

  constructor(corrections: Uint8Array, sink: ByteSink) {
    const coder = new BitDecoder(corrections);
    this.#bits = new BitWriter(sink);
    this.#blocks = new BlockCode(coder);
    this.#tokenCode = new TokenCode(coder);
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = this.#tokenCode.fill(bytes, at);
      at += count;
      this.#advance(LOOKAHEAD);
      if (count === 0 && this.#isEnded) throw tooShort();
    }
  }

  flush(): void {
    throw corrupt('a recipe with corrections for every token has flushes as well');
  }

  finish(): void {
    this.#advance(1);
    while (!this.#isEnded && this.#tokenCode.availableBytes === 0) this.#step();
    if (!this.#isEnded || this.#tokenCode.availableBytes > 0) throw tooShort();
    this.#bits.align();
    this.#bits.flush();
  }

  reset(): void {
    this.#tokenCode.restart();
    this.#isEnded = false;
  }

  /** Goes on while so many bytes are available. */
  #advance(least: number): void {
    while (!this.#isEnded && this.#tokenCode.availableBytes >= least) this.#step();
  }

  /** One token, one stored part, or one change of block. */
  #step(): void {
    const plan = this.#plan;
    if (plan === undefined) {
      this.#startBlock();
    } else if (this.#done === plan.count) {
      this.#endBlock(plan);
    } else if (plan.kind === STORED) {
      const count = Math.min(plan.count - this.#done, this.#tokenCode.availableBytes);
      if (count === 0) throw tooShort();
      this.#tokenCode.skip(count, (from, start, end) => this.#bits.bytes(from, start, end));
      this.#done += count;
    } else {
      if (this.#tokenCode.availableBytes === 0) throw tooShort();
      if (this.#done === this.#tokens.length) this.#growTokens();
      this.#tokens[this.#done++] = this.#tokenCode.token(0);
    }
  }

  #startBlock(): void {
    const plan = this.#blocks.plan(NO_PLAN);
    this.#plan = plan;
    this.#done = 0;
    if (plan.kind !== STORED) return;
    this.#bits.bits(plan.isFinal ? 1 : 0, 3);
    this.#bits.align();
    this.#bits.bits(plan.count, 16);
    this.#bits.bits(plan.count ^ 0xffff, 16);
  }

  #endBlock(plan: BlockPlan): void {
    if (plan.kind !== STORED) this.#writeTokens(plan);
    this.#plan = undefined;
    this.#isEnded = plan.isFinal;
  }

  #writeTokens(plan: BlockPlan): void {
    let literals: PrefixCode = FIXED_LITERALS;
    let distances: PrefixCode = FIXED_DISTANCES;
    if (plan.kind === FIXED) this.#bits.bits(plan.isFinal ? 3 : 2, 3);
    else {
      const header = this.#header(plan);
      writeBits(this.#bits, header.bytes, header.sizeBits);
      ({ literals, distances } = header);
    }
    this.#bits.tokens(this.#tokens, plan.count, literals, distances);
    this.#bits.bits(literals.codes[END_OF_BLOCK]!, literals.lengths[END_OF_BLOCK]!);
  }

  #header(plan: BlockPlan): DynamicHeader {
    const tokens = this.#tokens;
    if (plan.kind === GO_HEADER) return this.#headers.go(tokens, plan.count, plan.isFinal);
    if (plan.kind !== OWN_HEADER) return this.#headers.zlib(tokens, plan.count, plan.isFinal);
    const header = parseHeader(plan.header, plan.headerBits);
    countTokens(tokens, plan.count, this.#literalCounts, this.#distanceCounts);
    if (coversTokens(header, this.#literalCounts, this.#distanceCounts)) return header;
    throw corrupt('the corrections of a blob hold a block header that lacks a code');
  }

  #growTokens(): void {
    const tokens = new Uint32Array(2 * this.#tokens.length);
    tokens.set(this.#tokens);
    this.#tokens = tokens;
  }
}

function writeBits(bits: BitWriter, bytes: Uint8Array, sizeBits: number): void {
  for (let at = 0; at < sizeBits; at += 8) {
    const count = Math.min(8, sizeBits - at);
    bits.bits(bytes[at >> 3]! & ((1 << count) - 1), count);
  }
}

function tooShort(): Error {
  return corrupt('the corrections of a blob describe another number of bytes than the layer tar has');
}
