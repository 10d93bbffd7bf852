/**
 * Reads a DEFLATE stream (RFC 1951) block by block and token by token, without making the plain bytes: what it
 * takes to compare an encoder's decisions. Memory is fixed; everything read is checked before it is believed.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { corrupt } from '../errors.ts';
import {
  CODE_LENGTH_ORDER,
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  END_OF_BLOCK,
  FIXED_LITERALS,
  LENGTH_BASE,
  LENGTH_EXTRA,
  WINDOW_BYTES,
} from './codes.ts';
import { DecodeTable, FAST_BITS } from './decode-table.ts';

export type BlockType = 'stored' | 'fixed' | 'dynamic';

export interface BlockHeader {
  readonly type: BlockType;
  readonly isFinal: boolean;
  /** Where its first bit is, counted from the start of the source. */
  readonly startBit: number;
  /** Bytes of a stored block; 0 for the others. */
  readonly storedBytes: number;
  /** Code lengths as declared: literals then distances. Valid until the next block; stored and fixed: empty. */
  readonly literalLengths: Uint8Array;
  readonly distanceLengths: Uint8Array;
}

const BUFFER_BYTES = 1 << 16;
const FIRST_READ_BYTES = 1 << 12;
const FAST_MASK = (1 << FAST_BITS) - 1;
const TYPES: readonly BlockType[] = ['stored', 'fixed', 'dynamic'];
const EMPTY = new Uint8Array(0);

export class DeflateReader {
  #source: RandomAccess;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #bufferStart: number;
  /** How much is read next: many streams are short. */
  #readBytes = FIRST_READ_BYTES;
  #bufferUsed = 0;
  #bufferEnd = 0;
  #held = 0;
  #heldCount = 0;
  /** Plain bytes the tokens read so far stand for. */
  #plainBytes = 0;
  readonly #lengths = new Uint8Array(320);
  readonly #literals = new DecodeTable(288);
  readonly #distances = new DecodeTable(32);
  #codesAreFixed = false;
  #inTokens = false;

  /** Starts at byte `start` of the source. */
  constructor(source: RandomAccess, start: number) {
    this.#source = source;
    this.#bufferStart = start;
  }

  /** Goes to another stream, with the memory of this one. */
  restart(source: RandomAccess, start: number): void {
    this.#source = source;
    this.#bufferStart = start;
    this.#readBytes = FIRST_READ_BYTES;
    this.#bufferUsed = 0;
    this.#bufferEnd = 0;
    this.#held = 0;
    this.#heldCount = 0;
    this.#plainBytes = 0;
    this.#inTokens = false;
  }

  /** The next bit to be read, counted from the start of the source. */
  get bitPosition(): number {
    return (this.#bufferStart + this.#bufferUsed) * 8 - this.#heldCount;
  }

  /** The first byte no bit of which has been read. */
  get bytePosition(): number {
    return Math.ceil(this.bitPosition / 8);
  }

  get plainBytes(): number {
    return this.#plainBytes;
  }

  /** Whether the block's end-of-block symbol is still to come. */
  get inBlock(): boolean {
    return this.#inTokens;
  }

  /** Reads a block's header, and skips over the bytes of a stored one. The block before must be read to its end. */
  readHeader(): BlockHeader {
    const startBit = this.bitPosition;
    const isFinal = this.#bits(1) === 1;
    const type = TYPES[this.#bits(2)];
    if (type === undefined) throw corrupt(`the DEFLATE block at bit ${startBit} has the reserved type 3`);
    if (type === 'stored') {
      const storedBytes = this.#skipStored(startBit);
      return { type, isFinal, startBit, storedBytes, literalLengths: EMPTY, distanceLengths: EMPTY };
    }
    this.#inTokens = true;
    if (type === 'fixed') {
      this.#useFixedCodes();
      return { type, isFinal, startBit, storedBytes: 0, literalLengths: EMPTY, distanceLengths: EMPTY };
    }
    const [literalCount, distanceCount] = this.#readCodes();
    return {
      type,
      isFinal,
      startBit,
      storedBytes: 0,
      literalLengths: this.#lengths.subarray(0, literalCount),
      distanceLengths: this.#lengths.subarray(literalCount, literalCount + distanceCount),
    };
  }

  /** Reads tokens of the current block until `into` is full or the block ends (`inBlock` turns false). */
  readTokens(into: Uint32Array): number {
    const literalTable = this.#literals.fast;
    const distanceTable = this.#distances.fast;
    const buffer = this.#buffer;
    let plainBytes = this.#plainBytes;
    let count = 0;
    while (count < into.length && this.#inTokens) {
      if (this.#bufferEnd - this.#bufferUsed < 8) this.#load();
      let held = this.#held;
      let heldCount = this.#heldCount;
      let used = this.#bufferUsed;
      // All bytes but the last few can be taken without asking whether there are more.
      const end = this.#bufferEnd;
      const safe = end - 8;
      const careful = used > safe;
      do {
        while (heldCount <= 22 && used < end) {
          held |= buffer[used++]! << heldCount;
          heldCount += 8;
        }
        let entry = literalTable[held & FAST_MASK]!;
        if (entry === 0) entry = this.#literals.slow(held);
        const bits = entry & 15;
        if (entry === 0 || bits > heldCount) throw badCode(heldCount, this.bitPosition);
        const symbol = entry >> 4;
        held >>>= bits;
        heldCount -= bits;
        if (symbol < END_OF_BLOCK) {
          into[count++] = symbol;
          plainBytes++;
          continue;
        }
        if (symbol === END_OF_BLOCK) {
          this.#inTokens = false;
          break;
        }
        const lengthIndex = symbol - 257;
        if (lengthIndex > 28) throw corrupt(`a DEFLATE block uses length symbol ${symbol}; 285 is the last`);
        const lengthExtra = LENGTH_EXTRA[lengthIndex]!;
        if (lengthExtra > heldCount) throw cutShort();
        const length = LENGTH_BASE[lengthIndex]! + (held & ((1 << lengthExtra) - 1));
        held >>>= lengthExtra;
        heldCount -= lengthExtra;
        while (heldCount <= 22 && used < end) {
          held |= buffer[used++]! << heldCount;
          heldCount += 8;
        }
        entry = distanceTable[held & FAST_MASK]!;
        if (entry === 0) entry = this.#distances.slow(held);
        const distanceBits = entry & 15;
        if (entry === 0 || distanceBits > heldCount) throw badCode(heldCount, this.bitPosition);
        const distanceIndex = entry >> 4;
        if (distanceIndex > 29) throw corrupt(`a DEFLATE block uses distance symbol ${distanceIndex}`);
        held >>>= distanceBits;
        heldCount -= distanceBits;
        const distanceExtra = DISTANCE_EXTRA[distanceIndex]!;
        while (heldCount < distanceExtra && used < end) {
          held |= buffer[used++]! << heldCount;
          heldCount += 8;
        }
        if (distanceExtra > heldCount) throw cutShort();
        const distance = DISTANCE_BASE[distanceIndex]! + (held & ((1 << distanceExtra) - 1));
        held >>>= distanceExtra;
        heldCount -= distanceExtra;
        if (distance > plainBytes || distance > WINDOW_BYTES) {
          throw corrupt(
            `a DEFLATE match reaches ${distance} bytes back, where only ${plainBytes} came before`,
          );
        }
        into[count++] = (length << 16) | distance;
        plainBytes += length;
      } while (!careful && count < into.length && used <= safe);
      this.#held = held;
      this.#heldCount = heldCount;
      this.#bufferUsed = used;
    }
    this.#plainBytes = plainBytes;
    return count;
  }

  #skipStored(startBit: number): number {
    this.#bits(this.#heldCount & 7);
    const length = this.#bits(16);
    const complement = this.#bits(16);
    if (length !== (complement ^ 0xffff)) {
      throw corrupt(`the stored DEFLATE block at bit ${startBit} has a length that does not match its check`);
    }
    // Whole bytes may be held already; go back to them.
    const position = this.bitPosition / 8;
    if (length > this.#source.sizeBytes - position) throw cutShort();
    this.#bufferStart = position + length;
    this.#bufferUsed = 0;
    this.#bufferEnd = 0;
    this.#held = 0;
    this.#heldCount = 0;
    this.#plainBytes += length;
    return length;
  }

  #readCodes(): [number, number] {
    const literalCount = this.#bits(5) + 257;
    const distanceCount = this.#bits(5) + 1;
    const sent = this.#bits(4) + 4;
    const lengths = this.#lengths.fill(0);
    for (let index = 0; index < sent; index++) lengths[CODE_LENGTH_ORDER[index]!] = this.#bits(3);
    this.#codesAreFixed = false;
    this.#literals.build(lengths, 0, 19);
    lengths.fill(0);
    const total = literalCount + distanceCount;
    for (let at = 0; at < total; ) {
      const symbol = this.#symbol(this.#literals);
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      if (symbol === 16 && at === 0) throw corrupt('a DEFLATE header repeats a code length before the first');
      const value = symbol === 16 ? lengths[at - 1]! : 0;
      const run = symbol === 16 ? 3 + this.#bits(2) : symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7);
      if (at + run > total) throw corrupt('a DEFLATE header has more code lengths than it declares');
      lengths.fill(value, at, at + run);
      at += run;
    }
    if (lengths[END_OF_BLOCK] === 0) throw corrupt('a DEFLATE block has no code for its end');
    this.#literals.build(lengths, 0, literalCount);
    this.#distances.build(lengths, literalCount, distanceCount);
    return [literalCount, distanceCount];
  }

  #useFixedCodes(): void {
    if (this.#codesAreFixed) return;
    this.#literals.build(FIXED_LITERALS.lengths, 0, 288);
    this.#distances.build(new Uint8Array(30).fill(5), 0, 30);
    this.#codesAreFixed = true;
  }

  #symbol(table: DecodeTable): number {
    this.#refill(15);
    const entry = table.fast[this.#held & FAST_MASK]! || table.slow(this.#held);
    const bits = entry & 15;
    if (entry === 0 || bits > this.#heldCount) throw badCode(this.#heldCount, this.bitPosition);
    this.#held >>>= bits;
    this.#heldCount -= bits;
    return entry >> 4;
  }

  #bits(count: number): number {
    this.#refill(count);
    if (count > this.#heldCount) throw cutShort();
    const value = this.#held & ((1 << count) - 1);
    this.#held >>>= count;
    this.#heldCount -= count;
    return value;
  }

  #refill(wanted: number): void {
    while (this.#heldCount < wanted) {
      if (this.#bufferUsed === this.#bufferEnd) this.#load();
      if (this.#bufferUsed === this.#bufferEnd) return;
      this.#held |= this.#buffer[this.#bufferUsed++]! << this.#heldCount;
      this.#heldCount += 8;
    }
  }

  /** Moves what is unread to the front and reads on. */
  #load(): void {
    const left = this.#bufferEnd - this.#bufferUsed;
    this.#buffer.copyWithin(0, this.#bufferUsed, this.#bufferEnd);
    this.#bufferStart += this.#bufferUsed;
    this.#bufferUsed = 0;
    const wanted = Math.min(BUFFER_BYTES - left, this.#readBytes);
    const room = Math.min(wanted, this.#source.sizeBytes - this.#bufferStart - left);
    this.#readBytes = Math.min(BUFFER_BYTES, 2 * this.#readBytes);
    this.#source.readAt(this.#bufferStart + left, this.#buffer.subarray(left, left + room));
    this.#bufferEnd = left + room;
  }
}

function cutShort(): Error {
  return corrupt('the DEFLATE stream is cut short');
}

function badCode(heldCount: number, bitPosition: number): Error {
  if (heldCount < 15) return cutShort();
  return corrupt(`a code that was not declared stands near bit ${bitPosition} of the DEFLATE stream`);
}
