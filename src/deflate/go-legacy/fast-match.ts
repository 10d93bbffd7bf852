/**
 * The matcher of Go's compress/flate up to 1.26, level 1: one probe per position, blocks of 65535 bytes, matches
 * that may begin in the block before. Plain reference; the kernel of the same name must agree token for token.
 */
import { MAX_MATCH } from '../codes.ts';

export const FAST_BLOCK_BYTES = 65535;
const WINDOW_BYTES = 32768;
const TABLE_BITS = 14;
const MARGIN = 15;
/** Positions are shifted down before they could leave 31 bits. */
const LARGEST_POSITION = 0x7fffffff - 2 * FAST_BLOCK_BYTES;

/** The two latest blocks lie behind each other in `buffer`, so that matches read on across their border. */
export class FastMatch {
  /** Tokens of the block matched last. */
  readonly tokens = new Uint32Array(FAST_BLOCK_BYTES);
  /** The previous block ends, and the current one starts, here. */
  static readonly START = FAST_BLOCK_BYTES;
  readonly buffer = new Uint8Array(2 * FAST_BLOCK_BYTES);
  readonly #values = new Int32Array(1 << TABLE_BITS);
  readonly #positions = new Int32Array(1 << TABLE_BITS);
  #previousBytes = 0;
  /** Position of the current block's first byte, as the table counts. */
  #current = FAST_BLOCK_BYTES;
  #count = 0;

  /** For a new stream: everything as if new. */
  reset(): void {
    this.#values.fill(0);
    this.#positions.fill(0);
    this.#previousBytes = 0;
    this.#current = FAST_BLOCK_BYTES;
  }

  /** After a block that was not matched: nothing before the next one can be referred to. */
  forget(): void {
    this.#previousBytes = 0;
    this.#current += WINDOW_BYTES;
    if (this.#current >= LARGEST_POSITION) this.#shift();
  }

  /** Matches the `size` (at least 17) bytes at START; returns the count of tokens. They become the previous block. */
  match(size: number): number {
    if (this.#current >= LARGEST_POSITION) this.#shift();
    this.#count = 0;
    this.#run(size);
    this.buffer.copyWithin(FastMatch.START - size, FastMatch.START, FastMatch.START + size);
    this.#previousBytes = size;
    this.#current += size;
    return this.#count;
  }

  #run(size: number): void {
    const buffer = this.buffer;
    const values = this.#values;
    const positions = this.#positions;
    const start = FastMatch.START;
    const toPosition = this.#current - start;
    const limit = start + size - MARGIN;
    let emitted = start;
    let at = start;
    let value = load(buffer, at);
    for (;;) {
      let skip = 32;
      let next = at;
      let candidate = 0;
      for (;;) {
        at = next;
        next = at + (skip >> 5);
        skip += skip >> 5;
        if (next > limit) {
          this.#literals(emitted, start + size);
          return;
        }
        const slot = hashOf(value);
        const found = values[slot]!;
        candidate = positions[slot]! - toPosition;
        values[slot] = value;
        positions[slot] = at + toPosition;
        if (found === value && at - candidate <= WINDOW_BYTES) break;
        value = load(buffer, next);
      }
      this.#literals(emitted, at);
      for (;;) {
        const length = 4 + this.#extend(at + 4, candidate + 4, start + size);
        this.tokens[this.#count++] = (length << 16) | (at - candidate);
        at += length;
        emitted = at;
        if (at >= limit) {
          this.#literals(emitted, start + size);
          return;
        }
        const before = load(buffer, at - 1);
        const slotBefore = hashOf(before);
        values[slotBefore] = before;
        positions[slotBefore] = at - 1 + toPosition;
        value = load(buffer, at);
        const slot = hashOf(value);
        const found = values[slot]!;
        candidate = positions[slot]! - toPosition;
        values[slot] = value;
        positions[slot] = at + toPosition;
        if (found !== value || at - candidate > WINDOW_BYTES) break;
      }
      at++;
      value = load(buffer, at);
    }
  }

  /** How many bytes (254 at most) are equal from two places on; 0 when `from` is before the previous block. */
  #extend(at: number, from: number, end: number): number {
    if (from < FastMatch.START - this.#previousBytes) return 0;
    const buffer = this.buffer;
    const most = Math.min(MAX_MATCH - 4, end - at);
    let length = 0;
    while (length < most && buffer[at + length] === buffer[from + length]) length++;
    return length;
  }

  #literals(from: number, to: number): void {
    const { buffer, tokens } = this;
    let count = this.#count;
    for (let at = from; at < to; at++) tokens[count++] = buffer[at]!;
    this.#count = count;
  }

  #shift(): void {
    const keep = this.#current - WINDOW_BYTES - 1;
    if (this.#previousBytes === 0) {
      this.#values.fill(0);
      this.#positions.fill(0);
    } else {
      const positions = this.#positions;
      for (let slot = 0; slot < positions.length; slot++) {
        positions[slot] = Math.max(positions[slot]! - keep, 0);
      }
    }
    this.#current = WINDOW_BYTES + 1;
  }
}

function load(buffer: Uint8Array, at: number): number {
  return buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
}

function hashOf(value: number): number {
  return Math.imul(value, 0x1e35a7bd) >>> (32 - TABLE_BITS);
}
