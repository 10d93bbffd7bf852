/** Dynamic headers as known families of encoders make them from the tokens of a block, and one taken as it is. */
import { bytesAccess } from '../../bytes/access.ts';
import { corrupt } from '../../errors.ts';
import { BitWriter } from '../bits.ts';
import {
  codeFromLengths,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  LITERAL_SYMBOLS,
  type PrefixCode,
} from '../codes.ts';
import { usedSymbols } from '../costs.ts';
import { CodeLengthHeader } from '../go-legacy/code-lengths.ts';
import { PrefixCodeBuilder } from '../go-legacy/prefix-code.ts';
import { countTokens } from '../histogram.ts';
import { DeflateReader } from '../reader.ts';
import { DISTANCE_SHAPE, LITERAL_SHAPE, ZlibHeader } from '../zlib/header.ts';
import { Tree } from '../zlib/tree.ts';

/** The bits of a header from the block's first bit on, lowest first, and the codes it declares. */
export interface DynamicHeader {
  readonly bytes: Uint8Array;
  readonly sizeBits: number;
  readonly literals: PrefixCode;
  readonly distances: PrefixCode;
}

/** No header is longer: 17 bits, 19 lengths of 3, and 316 symbols of 7 and 7 bits. */
export const MOST_HEADER_BITS = 17 + 19 * 3 + 316 * 14;

export class HeaderMaker {
  readonly #goLiterals = new PrefixCodeBuilder(LITERAL_SYMBOLS);
  readonly #goDistances = new PrefixCodeBuilder(DISTANCE_SYMBOLS);
  readonly #goHeader = new CodeLengthHeader();
  readonly #literals = new Tree(LITERAL_SHAPE);
  readonly #distances = new Tree(DISTANCE_SHAPE);
  readonly #zlibHeader = new ZlibHeader();

  /** As Go's encoders do. The result is good until the next call. */
  go(tokens: Uint32Array, count: number, isFinal: boolean): DynamicHeader {
    const literals = this.#literals.frequencies;
    const distances = this.#distances.frequencies;
    countTokens(tokens, count, literals, distances);
    literals[END_OF_BLOCK] = 1;
    const literalCount = usedSymbols(literals);
    let distanceCount = usedSymbols(distances);
    if (distanceCount === 0) {
      distances[0] = 1;
      distanceCount = 1;
    }
    this.#goLiterals.build(literals, literalCount, 15);
    this.#goDistances.build(distances, distanceCount, 15);
    this.#goHeader.prepare(this.#goLiterals, literalCount, this.#goDistances, distanceCount);
    const bytes = written((bits) => this.#goHeader.write(bits, isFinal));
    return {
      bytes,
      sizeBits: this.#goHeader.sizeBits,
      literals: this.#goLiterals,
      distances: this.#goDistances,
    };
  }

  /** As zlib and its relatives do. The result is good until the next call. */
  zlib(tokens: Uint32Array, count: number, isFinal: boolean): DynamicHeader {
    countTokens(tokens, count, this.#literals.frequencies, this.#distances.frequencies);
    this.#literals.frequencies[END_OF_BLOCK] = 1;
    this.#literals.build();
    this.#distances.build();
    this.#zlibHeader.prepare(this.#literals, this.#distances);
    const bytes = written((bits) => this.#zlibHeader.write(bits, isFinal));
    return {
      bytes,
      sizeBits: this.#zlibHeader.sizeBits,
      literals: this.#literals,
      distances: this.#distances,
    };
  }
}

/** Reads what a header's own bits declare. Throws CORRUPT_INPUT when they are no dynamic header of that size. */
export function parseHeader(bytes: Uint8Array, sizeBits: number): DynamicHeader {
  const reader = new DeflateReader(bytesAccess(bytes), 0);
  const header = reader.readHeader();
  if (header.type !== 'dynamic' || reader.bitPosition !== sizeBits) {
    throw corrupt('the corrections of a blob hold a block header that is none');
  }
  return {
    bytes,
    sizeBits,
    literals: codeFromLengths(header.literalLengths.slice()),
    distances: codeFromLengths(header.distanceLengths.slice()),
  };
}

/** Whether the code has a word for everything in the block. */
export function coversTokens(header: DynamicHeader, literals: Int32Array, distances: Int32Array): boolean {
  return covers(header.literals, literals) && covers(header.distances, distances);
}

function covers(code: PrefixCode, counts: Int32Array): boolean {
  return counts.every((count, symbol) => count === 0 || (code.lengths[symbol] ?? 0) > 0);
}

function written(write: (bits: BitWriter) => void): Uint8Array {
  const pieces: Uint8Array[] = [];
  const bits = new BitWriter((piece) => pieces.push(piece.slice()));
  write(bits);
  bits.align();
  bits.flush();
  return Buffer.concat(pieces);
}
