/**
 * What the fast levels of Go 1.27's encoder share: the buffer of past and present bytes, and the tokens of a
 * block. Its layout decides how far matches may grow backwards, so it is part of the frozen engine.
 */

export const BLOCK_BYTES = 65535;
export const REACH = 32768;
/** No position within so many bytes of the end is looked up. */
export const MARGIN = 11;
const BUFFER_BYTES = 5 * BLOCK_BYTES;
const LARGEST_POSITION = 0x7fffffff - BUFFER_BYTES - BLOCK_BYTES;
const LONGEST = 258;

export class History {
  readonly buffer = new Uint8Array(BUFFER_BYTES);
  readonly tokens = new Uint32Array(BLOCK_BYTES);
  readonly #tables: readonly Int32Array[];
  readonly #longestPart: number;
  /** Bytes in the buffer; the block to be matched is the last of them. */
  length = 0;
  /** A table's entry for index `i` of the buffer is `i + current`; entries of 0 are never in reach. */
  current = BLOCK_BYTES;
  count = 0;

  /** `tables` are kept in range as positions grow; long matches are cut into parts of `longestPart`. */
  constructor(tables: readonly Int32Array[], longestPart = LONGEST) {
    this.#tables = tables;
    this.#longestPart = longestPart;
  }

  /** Everything as if new. */
  clear(): void {
    for (const table of this.#tables) table.fill(0);
    this.length = 0;
    this.current = BLOCK_BYTES;
  }

  /** Puts all bytes so far out of reach. Positions that are moved down with the next block need not grow. */
  forget(): void {
    if (this.current <= LARGEST_POSITION) this.current += REACH + this.length;
    this.length = 0;
  }

  /** Appends a block of at most 65535 bytes and starts its tokens; returns its index. */
  add(from: Uint8Array, start: number, end: number): number {
    if (this.current >= LARGEST_POSITION) this.#shift();
    if (this.length + end - start > BUFFER_BYTES) {
      const dropped = this.length - REACH;
      this.buffer.copyWithin(0, dropped, this.length);
      this.current += dropped;
      this.length = REACH;
    }
    const at = this.length;
    this.buffer.set(from.subarray(start, end), at);
    this.length += end - start;
    this.count = 0;
    return at;
  }

  /** Adds a match of any length, cut into what DEFLATE can say. */
  match(length: number, distance: number): void {
    let left = length;
    while (left > 0) {
      let part = left;
      if (left > LONGEST) part = left > LONGEST + 3 ? this.#longestPart : LONGEST - 3;
      this.tokens[this.count++] = (part << 16) | distance;
      left -= part;
    }
  }

  literals(from: number, to: number): void {
    const { buffer, tokens } = this;
    let count = this.count;
    for (let at = from; at < to; at++) tokens[count++] = buffer[at]!;
    this.count = count;
  }

  /** The literals after the last match; a block without a match keeps no tokens at all. */
  remainder(from: number): void {
    if (this.count > 0) this.literals(from, this.length);
  }

  #shift(): void {
    const keep = this.current - REACH;
    const lowest = this.length === 0 ? 0x7fffffff : this.current + this.length - REACH;
    for (const table of this.#tables) {
      for (let slot = 0; slot < table.length; slot++) {
        const entry = table[slot]!;
        table[slot] = entry <= lowest ? 0 : entry - keep;
      }
    }
    this.current = REACH;
  }
}

export function load32(buffer: Uint8Array, at: number): number {
  return buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
}

/** How many bytes are equal from `at` and `from` on, up to index `end` of the later one. */
export function commonLength(buffer: Uint8Array, at: number, from: number, end: number): number {
  let length = 0;
  const most = end - at;
  while (length < most && buffer[at + length] === buffer[from + length]) length++;
  return length;
}

/** 15 bits from 4 bytes. */
export function hash4(buffer: Uint8Array, at: number): number {
  return Math.imul(load32(buffer, at), 0x9e3779b1) >>> 17;
}

/** 32 bits from 5 bytes: the upper half of `bytes << 24` times 0xcf1bbcdcbb, modulo 2^64. */
export function hash5(buffer: Uint8Array, at: number): number {
  return mix5(buffer[at]!, load32(buffer, at + 1));
}

/** The same of 4 bytes and a zero. */
export function hash4as5(buffer: Uint8Array, at: number): number {
  return mix5(buffer[at]!, load32(buffer, at + 1) & 0xffffff);
}

function mix5(first: number, rest: number): number {
  const carry = (first * 0x1bbcdcbb) / 256;
  return (Math.imul(first << 24, 0xcf) + Math.imul(rest, 0x1bbcdcbb) + Math.floor(carry)) >>> 0;
}

const PRIME7_LOW_LOW = 0xa563;
const PRIME7_LOW_HIGH = 0xdcbf;
const PRIME7_LOW = 0xdcbfa563;
const PRIME7_HIGH = 0xcf1bbc;

/** 15 bits from 7 bytes: the top of `bytes << 8` times a prime, modulo 2^64. */
export function hash7(buffer: Uint8Array, at: number): number {
  const low = load32(buffer, at) & 0xffffff;
  const high = load32(buffer, at + 3);
  const carry = (low * PRIME7_LOW_HIGH + Math.floor((low * PRIME7_LOW_LOW) / 65536)) / 256;
  const product = Math.imul(low << 8, PRIME7_HIGH) + Math.imul(high, PRIME7_LOW) + Math.floor(carry);
  return (product >>> 0) >>> 17;
}
