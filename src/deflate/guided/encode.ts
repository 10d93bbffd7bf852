/**
 * The corrections for a blob of an encoder that has no model: reads its tokens beside the plain bytes and tells
 * them as the guided model will read them.
 */
import { setImmediate } from 'node:timers/promises';
import { type RandomAccess, readPieces, readRange, sliceAccess } from '../../bytes/access.ts';
import { type BlockHeader, DeflateReader } from '../reader.ts';
import type { ScannedBlob, ScannedMember } from '../scan.ts';
import {
  BlockCode,
  type BlockPlan,
  FIXED,
  GO_HEADER,
  MOST_TOKENS,
  OWN_HEADER,
  STORED,
  ZLIB_HEADER,
} from './block-code.ts';
import { type DynamicHeader, HeaderMaker } from './headers.ts';
import { BitEncoder } from './range-coder.ts';
import { LOOKAHEAD, TokenCode } from './token-code.ts';

export interface GuidedOptions {
  /** Given up when the corrections grow beyond this. */
  readonly limitBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** The corrections; undefined when they grow too large or the blob can't be described. */
export async function encodeGuided(
  blob: RandomAccess,
  tar: RandomAccess,
  scanned: ScannedBlob,
  options: GuidedOptions,
): Promise<Uint8Array | undefined> {
  const coder = new BitEncoder();
  const writer = new GuidedWriter(coder);
  for (const member of scanned.members) {
    for (const _ of writer.member(blob, tar, member)) {
      options.signal?.throwIfAborted();
      if (writer.isBeyond || coder.sizeBytes > options.limitBytes) return undefined;
      await setImmediate();
    }
  }
  return coder.finish();
}

class GuidedWriter {
  readonly #blocks: BlockCode;
  readonly #tokenCode: TokenCode;
  readonly #headers = new HeaderMaker();
  #tokens = new Uint32Array(1 << 15);
  /** Set once a block was met that can't be described. */
  isBeyond = false;

  constructor(coder: BitEncoder) {
    this.#blocks = new BlockCode(coder);
    this.#tokenCode = new TokenCode(coder);
  }

  /** Tells one member; stops after each block for its caller to look around. */
  *member(blob: RandomAccess, tar: RandomAccess, member: ScannedMember): Generator<void> {
    const reader = new DeflateReader(blob, member.dataStart);
    const feed = startFeed(this.#tokenCode, sliceAccess(tar, member.plainStart, member.plainBytes));
    this.#tokenCode.restart();
    for (let isFinal = false; !isFinal; ) {
      const header = reader.readHeader();
      isFinal = header.isFinal;
      if (header.type === 'stored') this.#stored(header, feed);
      else this.#block(blob, reader, header, feed);
      yield;
      if (this.isBeyond) return;
    }
  }

  #stored(header: BlockHeader, feed: Feed): void {
    this.#blocks.plan(planOf(STORED, header.isFinal, header.storedBytes));
    for (let left = header.storedBytes; left > 0; ) {
      feed(Math.min(left, LOOKAHEAD));
      const count = Math.min(left, this.#tokenCode.availableBytes);
      this.#tokenCode.skip(count, () => {});
      left -= count;
    }
  }

  #block(blob: RandomAccess, reader: DeflateReader, header: BlockHeader, feed: Feed): void {
    const headerEnd = reader.bitPosition;
    const count = this.#readTokens(reader);
    if (count === undefined) {
      this.isBeyond = true;
      return;
    }
    this.#blocks.plan(this.#planBlock(blob, header, headerEnd, count));
    for (let index = 0; index < count; index++) {
      feed(LOOKAHEAD);
      this.#tokenCode.token(this.#tokens[index]!);
    }
  }

  #planBlock(blob: RandomAccess, header: BlockHeader, headerEnd: number, count: number): BlockPlan {
    const { isFinal, startBit } = header;
    if (header.type === 'fixed') return planOf(FIXED, isFinal, count);
    const headerBits = headerEnd - startBit;
    const actual = bitsOf(blob, startBit, headerBits);
    const isSame = (made: DynamicHeader) =>
      made.sizeBits === headerBits && Buffer.compare(made.bytes, actual) === 0;
    if (isSame(this.#headers.go(this.#tokens, count, isFinal))) return planOf(GO_HEADER, isFinal, count);
    if (isSame(this.#headers.zlib(this.#tokens, count, isFinal))) return planOf(ZLIB_HEADER, isFinal, count);
    return { kind: OWN_HEADER, isFinal, count, header: actual, headerBits };
  }

  /** All tokens of the block into #tokens; undefined when there are too many. */
  #readTokens(reader: DeflateReader): number | undefined {
    let count = 0;
    while (reader.inBlock) {
      if (count === this.#tokens.length) {
        if (count >= MOST_TOKENS) return undefined;
        const grown = new Uint32Array(2 * count);
        grown.set(this.#tokens);
        this.#tokens = grown;
      }
      count += reader.readTokens(this.#tokens.subarray(count));
    }
    return count;
  }
}

/** Makes at least so many plain bytes available, or all that are left. */
type Feed = (bytes: number) => void;

function startFeed(tokenCode: TokenCode, plain: RandomAccess): Feed {
  const pieces = readPieces(plain, new Uint8Array(1 << 14));
  let piece = new Uint8Array(0);
  let used = 0;
  let isEnded = false;
  return (bytes) => {
    while (!isEnded && tokenCode.availableBytes < bytes) {
      if (used === piece.length) {
        const next = pieces.next();
        isEnded = next.done === true;
        piece = next.done === true ? piece : (next.value as Uint8Array<ArrayBuffer>);
        used = isEnded ? piece.length : 0;
      }
      if (!isEnded) used += tokenCode.fill(piece, used);
    }
  };
}

function planOf(kind: number, isFinal: boolean, count: number): BlockPlan {
  return { kind, isFinal, count, header: new Uint8Array(0), headerBits: 0 };
}

/** A run of bits moved to the start of a byte array; the bits after them are 0. */
function bitsOf(blob: RandomAccess, startBit: number, sizeBits: number): Uint8Array {
  const first = Math.floor(startBit / 8);
  const shift = startBit % 8;
  const source = readRange(blob, first, Math.ceil((shift + sizeBits) / 8), 1 << 16);
  const bits = new Uint8Array((sizeBits + 7) >> 3);
  for (let at = 0; at < bits.length; at++) bits[at] = (source[at]! | ((source[at + 1] ?? 0) << 8)) >> shift;
  if (sizeBits % 8 > 0) bits[bits.length - 1] = bits[bits.length - 1]! & ((1 << (sizeBits % 8)) - 1);
  return bits;
}
