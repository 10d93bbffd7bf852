/**
 * Levels 7 to 9 of Go 1.27's encoder: hash chains with lazy matching, a second look at the end of each match, and
 * for level 9 candidates weighed by what their bytes would cost as literals. Plain reference; the kernel lazy-chain
 * must agree token for token.
 */
import { DISTANCE_EXTRA, distanceSymbol, LENGTH_EXTRA, LENGTH_SYMBOL, MAX_MATCH } from '../codes.ts';
import { PrefixCodeBuilder } from '../go-legacy/prefix-code.ts';
import { load32 } from './history.ts';
import type { LazyLevel, LazySink } from './lazy-levels.ts';

const WINDOW_BYTES = 32768;
const BUFFER_BYTES = 2 * WINDOW_BYTES;
const LOOKAHEAD = 4 + MAX_MATCH;
const BLOCK_TOKENS = 32768;
/** Literals are weighed by how often they occur in so many bytes ahead. */
const WEIGHED_BYTES = 32768;
const LARGEST_BASE = 1 << 28;
const SKIPPED = 2;
const LEAST_GAIN = 4;
const BASE_COST = 3;

export class LazyMatcher {
  readonly #level: LazyLevel;
  readonly #sink: LazySink;
  readonly #buffer = new Uint8Array(BUFFER_BYTES + 8);
  readonly #head = new Int32Array(1 << 17);
  readonly #previous = new Int32Array(WINDOW_BYTES);
  readonly #tokens = new Uint32Array(BLOCK_TOKENS);
  readonly #literalCode = new PrefixCodeBuilder(256);
  #tokenCount = 0;
  #index = 0;
  #end = 0;
  #base = 1;
  #chainHead = -1;
  #length = 3;
  #distance = 0;
  #literalPending = false;
  #blockStart = 0;
  /** Literals since the last match; 16 bits, so that it starts again after 64 KiB. */
  #literalRun = 0;
  #maxInsert = 0;
  #sync = false;

  constructor(level: LazyLevel, sink: LazySink) {
    this.#level = level;
    this.#sink = sink;
  }

  /** For a new stream: what the tables have is below the base then. */
  reset(): void {
    this.#base += BUFFER_BYTES;
    if (this.#base > LARGEST_BASE) {
      this.#head.fill(0);
      this.#previous.fill(0);
      this.#base = 1;
    }
    this.#tokenCount = 0;
    this.#index = 0;
    this.#end = 0;
    this.#chainHead = -1;
    this.#length = 3;
    this.#distance = 0;
    this.#literalPending = false;
    this.#blockStart = 0;
    this.#literalRun = 0;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#end === BUFFER_BYTES) this.#run(false);
      if (this.#index >= BUFFER_BYTES - LOOKAHEAD) this.#slide();
      const count = Math.min(bytes.length - at, BUFFER_BYTES - this.#end);
      this.#buffer.set(bytes.subarray(at, at + count), this.#end);
      this.#end += count;
      at += count;
    }
  }

  /** Matches all there is and ends the block. */
  flush(): void {
    this.#run(true);
    if (this.#literalPending) {
      this.#tokens[this.#tokenCount++] = this.#buffer[this.#index - 1]!;
      this.#literalPending = false;
    }
    if (this.#tokenCount > 0) this.#endBlock();
  }

  #run(toEnd: boolean): void {
    const end = this.#end;
    this.#sync = toEnd;
    if (end - this.#index < LOOKAHEAD && !toEnd) return;
    if (end !== this.#index && this.#level.chain > 100) this.#weighLiterals();
    this.#maxInsert = end - 3;
    const stop = toEnd ? end : end - LOOKAHEAD + 1;
    while (this.#index < stop) {
      if (this.#index < this.#maxInsert) this.#insert(this.#index);
      const lastLength = this.#length;
      this.#length = 3;
      const lastDistance = this.#distance;
      this.#distance = 0;
      const lowest = Math.max(this.#index - WINDOW_BYTES, 0);
      const look = end - this.#index;
      const candidate = this.#chainHead - this.#base;
      if (candidate >= lowest && look > lastLength && lastLength < this.#level.lazy) {
        this.#search(candidate, look, lowest);
      }
      if (lastLength >= 4 && this.#length <= lastLength) {
        this.#endMatch(lastLength, lastDistance, look, lowest);
      } else this.#passByte();
    }
  }

  #weighLiterals(): void {
    const counts = new Int32Array(256);
    const end = Math.min(this.#end, this.#index + WEIGHED_BYTES);
    for (let at = this.#index; at < end; at++) {
      counts[this.#buffer[at]!] = counts[this.#buffer[at]!]! + 1;
    }
    this.#literalCode.build(counts, 256, 15);
  }

  /** The match that began a byte before stands; unless the text at its end was seen after a longer one. */
  #endMatch(lastLength: number, lastDistance: number, look: number, lowest: number): void {
    const buffer = this.#buffer;
    const start = this.#index - 1;
    let length = lastLength;
    let distance = lastDistance;
    if (length < MAX_MATCH - SKIPPED && start + length < this.#maxInsert) {
      const end = start + Math.min(look, MAX_MATCH + SKIPPED);
      const from = this.#head[hashAt(buffer, start + length)]! - this.#base - length;
      if (start - from !== distance && from > lowest + SKIPPED) {
        const found = common(buffer, start + SKIPPED, from + SKIPPED, end);
        if (found > length) {
          distance = start - from;
          length = this.#growBack(start, from, found);
        }
      }
    }
    this.#push((length << 16) | distance);
    const next = this.#index + length - 1;
    const insertEnd = Math.min(next, this.#maxInsert);
    for (let at = this.#index + 1; at < insertEnd; at++) this.#insertQuietly(at);
    this.#index = next;
    this.#literalPending = false;
    this.#length = 3;
    if (this.#tokenCount === BLOCK_TOKENS) this.#endBlock();
    this.#literalRun = 0;
  }

  /** Takes the skipped bytes into the match, or where they differ sends them as literals; returns its length. */
  #growBack(start: number, from: number, found: number): number {
    const buffer = this.#buffer;
    let length = found;
    for (let skip = SKIPPED - 1; skip >= 0; skip--) {
      if (length < MAX_MATCH && buffer[start + skip] === buffer[from + skip]) {
        length++;
        continue;
      }
      for (let owed = 0; owed <= skip; owed++) {
        this.#push(buffer[start + owed]!);
        if (this.#tokenCount === BLOCK_TOKENS) this.#endBlock();
        this.#index++;
        if (this.#index < this.#maxInsert) this.#insert(this.#index);
      }
      break;
    }
    return length;
  }

  #passByte(): void {
    if (this.#length >= 4) this.#literalRun = 0;
    if (!this.#literalPending) {
      this.#index++;
      this.#literalPending = true;
      return;
    }
    this.#literalRun = (this.#literalRun + 1) & 0xffff;
    this.#literal();
    this.#index++;
    const tooMany = this.#literalRun - this.#level.chain;
    if (tooMany <= 0) return;
    for (let count = 1 + (tooMany >> 6); count > 0 && this.#index < this.#end - 1; count--) {
      this.#literal();
      if (this.#index < this.#maxInsert) this.#insert(this.#index);
      this.#index++;
    }
    this.#literal();
    this.#literalPending = false;
  }

  /** Sends the byte before the index. */
  #literal(): void {
    this.#push(this.#buffer[this.#index - 1]!);
    if (this.#tokenCount === BLOCK_TOKENS) this.#endBlock();
  }

  #search(candidate: number, look: number, lowest: number): void {
    const buffer = this.#buffer;
    const previous = this.#previous;
    const base = this.#base;
    const index = this.#index;
    const limit = Math.min(look, MAX_MATCH);
    const nice = Math.min(this.#level.nice, limit);
    const weighs = this.#level.chain >= 100;
    let best = 3;
    let gain = LEAST_GAIN;
    let wanted = buffer[index + best]!;
    let at = candidate;
    for (let tries = this.#level.chain; tries > 0; tries--) {
      if (buffer[at + best] === wanted) {
        const length = common(buffer, index, at, index + limit);
        if (length > best) {
          const newGain = weighs ? this.#gain(index, length, index - at) : gain + 1;
          if (newGain > gain) {
            gain = newGain;
            best = length;
            this.#length = length;
            this.#distance = index - at;
            if (length >= nice) return;
            wanted = buffer[index + best]!;
          }
        }
      }
      if (at <= lowest) return;
      at = previous[at & 32767]! - base;
      if (at < lowest) return;
    }
  }

  /** Estimated bits saved by a match, compared with its bytes as literals. */
  #gain(at: number, length: number, distance: number): number {
    const { lengths } = this.#literalCode;
    let bits = 0;
    for (let index = at; index < at + length; index++) bits += lengths[this.#buffer[index]!]! || 1;
    const extra = distanceCost(distance) + LENGTH_EXTRA[LENGTH_SYMBOL[length]!]!;
    return bits - extra - BASE_COST;
  }

  #insert(at: number): void {
    const hash = hashAt(this.#buffer, at);
    const head = this.#head[hash]!;
    this.#chainHead = head;
    this.#previous[at & 32767] = head;
    this.#head[hash] = at + this.#base;
  }

  #insertQuietly(at: number): void {
    const hash = hashAt(this.#buffer, at);
    this.#previous[at & 32767] = this.#head[hash]!;
    this.#head[hash] = at + this.#base;
  }

  #push(token: number): void {
    this.#tokens[this.#tokenCount++] = token;
  }

  #endBlock(): void {
    const start = this.#blockStart <= this.#index ? this.#blockStart : -1;
    this.#sink(this.#tokens, this.#tokenCount, this.#buffer, start, this.#index, this.#sync);
    this.#blockStart = this.#index;
    this.#tokenCount = 0;
  }

  #slide(): void {
    this.#buffer.copyWithin(0, WINDOW_BYTES, BUFFER_BYTES);
    this.#index -= WINDOW_BYTES;
    this.#end -= WINDOW_BYTES;
    this.#blockStart = this.#blockStart >= WINDOW_BYTES ? this.#blockStart - WINDOW_BYTES : 0x7fffffff;
    this.#base += WINDOW_BYTES;
    if (this.#base <= LARGEST_BASE) return;
    const delta = this.#base - 1;
    this.#base = 1;
    this.#chainHead -= delta;
    for (const table of [this.#head, this.#previous]) {
      for (let slot = 0; slot < table.length; slot++) table[slot] = Math.max(table[slot]! - delta, 0);
    }
  }
}

function hashAt(buffer: Uint8Array, at: number): number {
  return Math.imul(load32(buffer, at), 0x9e3779b1) >>> 15;
}

/** The encoder looks up the extra bits of the distance one farther, and of 32768 in a table that wraps around. */
function distanceCost(distance: number): number {
  return distance === WINDOW_BYTES ? 6 : DISTANCE_EXTRA[distanceSymbol(distance + 1)]!;
}

function common(buffer: Uint8Array, at: number, from: number, end: number): number {
  let length = 0;
  while (at + length < end && buffer[at + length] === buffer[from + length]) length++;
  return length;
}
