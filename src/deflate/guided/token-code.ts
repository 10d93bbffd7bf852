/**
 * Tokens of an unknown encoder, each told by how it differs from what is likely: the longest match near by, unless
 * the next byte has a longer one. Contexts learn the encoder's habits. Part of the frozen engine.
 */
import { corrupt } from '../../errors.ts';
import { FIRST_MATCH, MAX_MATCH, WINDOW_BYTES } from '../codes.ts';
import { NumberCode } from './numbers.ts';
import { type BitCoder, Contexts } from './range-coder.ts';

const BUFFER_BYTES = 4 * WINDOW_BYTES;
const HASH_BITS = 16;
const CHAIN = 256;
/** Candidates looked through to name a distance by its rank. */
const RANKED = 512;
/** Bytes compared per search, so that no input makes one take long. */
const MOST_COMPARED = 1 << 13;
/** What must lie behind a position before its token can be told, unless the end is known. */
export const LOOKAHEAD = MAX_MATCH + 8;

export class TokenCode {
  readonly #coder: BitCoder;
  readonly #buffer = new Uint8Array(BUFFER_BYTES + 8);
  readonly #head = new Int32Array(1 << HASH_BITS).fill(-1);
  readonly #previous = new Int32Array(WINDOW_BYTES);
  readonly #isLiteral = new Contexts(1 << 12);
  readonly #isLongest = new Contexts(1 << 10);
  readonly #isLength = new Contexts(1 << 10);
  readonly #isShorter = new Contexts(1);
  readonly #shorterBy = new NumberCode();
  readonly #longerBy = new NumberCode();
  readonly #rank = new NumberCode();
  #index = 0;
  #end = 0;
  #inserted = 0;
  /** Habits shown by the last tokens: two bits each. */
  #recent = 0;
  #foundAt = -1;
  #foundLength = 0;
  #foundDistance = 0;

  constructor(coder: BitCoder) {
    this.#coder = coder;
  }

  /** Plain bytes that are there and not yet told. */
  get availableBytes(): number {
    return this.#end - this.#index;
  }

  /** Forgets all bytes, for the next member; habits are kept. */
  restart(): void {
    this.#head.fill(-1);
    this.#index = 0;
    this.#end = 0;
    this.#inserted = 0;
    this.#foundAt = -1;
  }

  /** Takes as many plain bytes as there is room for; returns how many. */
  fill(bytes: Uint8Array, start: number): number {
    if (this.#end === BUFFER_BYTES && this.#index >= 2 * WINDOW_BYTES) this.#slide();
    const count = Math.min(bytes.length - start, BUFFER_BYTES - this.#end);
    this.#buffer.set(bytes.subarray(start, start + count), this.#end);
    this.#end += count;
    return count;
  }

  /** Passes over bytes of a stored block; hands them to `take`. */
  skip(count: number, take: (from: Uint8Array, start: number, end: number) => void): void {
    take(this.#buffer, this.#index, this.#index + count);
    this.#index += count;
    this.#insertTo(this.#index);
  }

  /** Codes one token; at least one byte must be available, and LOOKAHEAD unless these are the last. */
  token(truth: number): number {
    const index = this.#index;
    this.#insertTo(index);
    this.#search(index);
    const length = this.#foundLength;
    const distance = this.#foundDistance;
    this.#insertTo(index + 1);
    if (index + 1 < this.#end) this.#search(index + 1);
    else this.#foundLength = 0;
    const next = this.#foundLength;
    const literalContext = this.#context(length, distance, next);
    const isLiteral = this.#coder.bit(this.#isLiteral, literalContext, truth < FIRST_MATCH ? 0 : 1) === 0;
    if (isLiteral) {
      this.#index++;
      this.#recent = ((this.#recent << 1) | 1) & 7;
      return this.#buffer[index]!;
    }
    const token = this.#match(truth, length, distance, next);
    this.#recent = (this.#recent << 1) & 7;
    this.#index += token >>> 16;
    return token;
  }

  #context(length: number, distance: number, next: number): number {
    const later = next <= length ? (next === length ? 1 : 0) : next === length + 1 ? 2 : 3;
    const far = distance > 4096 ? 2 : distance > 256 ? 1 : 0;
    return (((lengthClass(length) * 4 + later) * 3 + far) << 3) | this.#recent;
  }

  #match(truth: number, length: number, distance: number, next: number): number {
    const truthLength = truth >>> 16;
    const truthDistance = truth & 0xffff;
    const longest = (length << 16) | distance;
    const context = lengthClass(length) * 8 + (next > length ? 4 : 0) + (this.#recent & 3);
    if (length >= 3 && this.#coder.bit(this.#isLongest, context, truth === longest ? 0 : 1) === 0)
      return longest;
    const actual = this.#length(truthLength, length, context);
    if (actual < 3 || actual > Math.min(MAX_MATCH, this.#end - this.#index)) throw wrongToken();
    const rank = this.#rank.code(this.#coder, this.#rankOf(actual, truthDistance));
    const found = rank === 0 ? 1 + this.#coder.plain(15, truthDistance - 1) : this.#ranked(actual, rank);
    if (found === 0 || found > this.#index) throw wrongToken();
    return (actual << 16) | found;
  }

  #length(truth: number, length: number, context: number): number {
    if (length >= 3) {
      if (this.#coder.bit(this.#isLength, context, truth === length ? 0 : 1) === 0) return length;
      if (this.#coder.bit(this.#isShorter, 0, truth < length ? 0 : 1) === 0) {
        return length - 1 - this.#shorterBy.code(this.#coder, length - 1 - truth);
      }
      return length + 1 + this.#longerBy.code(this.#coder, truth - length - 1);
    }
    return 3 + this.#longerBy.code(this.#coder, truth - 3);
  }

  /** Which of the places that match for `length` bytes, the nearest being 1, is at `distance`; 0: not among them. */
  #rankOf(length: number, distance: number): number {
    // A decoder, which knows no distance, asks in vain.
    return distance === 0 ? 0 : this.#walk(length, RANKED, distance, true);
  }

  /** The distance of that rank; 0 when there are not so many. */
  #ranked(length: number, wanted: number): number {
    return this.#walk(length, wanted, 0, false);
  }

  /** Walks the places that match, to a rank or to a distance; returns the other of the two, or 0. */
  #walk(length: number, toRank: number, toDistance: number, wantsRank: boolean): number {
    let rank = 0;
    let left = MOST_COMPARED;
    let at = this.#head[this.#hash(this.#index)]!;
    if (at === this.#index) at = this.#previous[at & (WINDOW_BYTES - 1)]!;
    for (let tries = RANKED; tries > 0 && left > 0 && at >= 0; tries--) {
      const distance = this.#index - at;
      if (distance > WINDOW_BYTES) return 0;
      if (this.#matches(at, length)) {
        rank++;
        if (wantsRank ? distance === toDistance : rank === toRank) return wantsRank ? rank : distance;
        left -= length;
      }
      left--;
      at = this.#previous[at & (WINDOW_BYTES - 1)]!;
    }
    return 0;
  }

  #matches(at: number, length: number): boolean {
    const buffer = this.#buffer;
    const index = this.#index;
    for (let offset = 0; offset < length; offset++) {
      if (buffer[at + offset] !== buffer[index + offset]) return false;
    }
    return true;
  }

  /** The longest match at `index`, the nearest of these, into #found…; no match: length 0. */
  #search(index: number): void {
    if (this.#foundAt === index) return;
    this.#foundAt = index;
    this.#foundLength = 0;
    this.#foundDistance = 0;
    const buffer = this.#buffer;
    const limit = Math.min(MAX_MATCH, this.#end - index);
    if (limit < 3) return;
    let best = 2;
    let left = MOST_COMPARED;
    let at = this.#head[this.#hash(index)]!;
    for (let tries = CHAIN; tries > 0 && left > 0 && at >= 0 && index - at <= WINDOW_BYTES; tries--) {
      if (buffer[at + best] === buffer[index + best]) {
        let length = 0;
        while (length < limit && buffer[at + length] === buffer[index + length]) length++;
        left -= length;
        if (length > best) {
          best = length;
          this.#foundLength = length;
          this.#foundDistance = index - at;
          if (length === limit) return;
        }
      }
      at = this.#previous[at & (WINDOW_BYTES - 1)]!;
    }
  }

  #insertTo(end: number): void {
    const last = Math.min(end, this.#end - 2);
    for (let at = this.#inserted; at < last; at++) {
      const hash = this.#hash(at);
      this.#previous[at & (WINDOW_BYTES - 1)] = this.#head[hash]!;
      this.#head[hash] = at;
    }
    this.#inserted = Math.max(this.#inserted, last);
  }

  #hash(at: number): number {
    const buffer = this.#buffer;
    const value = buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16);
    return Math.imul(value, 0x9e3779b1) >>> (32 - HASH_BITS);
  }

  #slide(): void {
    const moved = this.#index - WINDOW_BYTES - ((this.#index - WINDOW_BYTES) & (WINDOW_BYTES - 1));
    this.#buffer.copyWithin(0, moved, this.#end);
    this.#index -= moved;
    this.#end -= moved;
    this.#inserted -= moved;
    this.#foundAt -= moved;
    for (const table of [this.#head, this.#previous]) {
      for (let slot = 0; slot < table.length; slot++) table[slot] = Math.max(-1, table[slot]! - moved);
    }
  }
}

/** 0: none; then ever wider ranges, and the longest by itself. */
function lengthClass(length: number): number {
  if (length < 3) return 0;
  if (length < 12) return length - 2;
  if (length < 16) return 10;
  if (length < 32) return 11;
  if (length < 64) return 12;
  if (length < 128) return 13;
  return length < MAX_MATCH ? 14 : 15;
}

function wrongToken(): Error {
  return corrupt('the corrections of a blob describe a match that the layer tar does not hold');
}
