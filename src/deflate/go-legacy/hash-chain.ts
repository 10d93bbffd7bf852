/**
 * The matcher of Go's compress/flate up to 1.26, levels 2 to 9: hash chains over a 64 KiB buffer that slides by
 * half. Plain reference; the kernel of the same name must agree token for token.
 */
import { MAX_MATCH, WINDOW_BYTES } from '../codes.ts';

/** Ends a block: its tokens, and where its plain bytes are in the buffer (start −1: already gone). */
export type BlockSink = (
  tokens: Uint32Array,
  count: number,
  buffer: Uint8Array,
  start: number,
  end: number,
) => void;

export interface ChainLevel {
  /** Look for a better match at the next byte while the present one is shorter than this; 0: never. */
  readonly lazy: number;
  /** A match this long is good enough to stop searching. */
  readonly nice: number;
  /** How many candidates are looked at. */
  readonly chain: number;
  /** Without lazy matching: bytes inside longer matches are not indexed. */
  readonly fastSkip: number;
}

export const CHAIN_LEVELS: ReadonlyMap<number, ChainLevel> = new Map([
  [2, { lazy: 0, nice: 16, chain: 8, fastSkip: 5 }],
  [3, { lazy: 0, nice: 32, chain: 32, fastSkip: 6 }],
  [4, { lazy: 4, nice: 16, chain: 16, fastSkip: 0 }],
  [5, { lazy: 16, nice: 32, chain: 32, fastSkip: 0 }],
  [6, { lazy: 16, nice: 128, chain: 128, fastSkip: 0 }],
  [7, { lazy: 32, nice: 128, chain: 256, fastSkip: 0 }],
  [8, { lazy: 128, nice: 258, chain: 1024, fastSkip: 0 }],
  [9, { lazy: 258, nice: 258, chain: 4096, fastSkip: 0 }],
]);

/** Tokens per block; the end-of-block symbol is not counted. */
const BLOCK_TOKENS = 16384;
const BUFFER_BYTES = 2 * WINDOW_BYTES;
const LOOKAHEAD = 4 + MAX_MATCH;
const FAR_SHORT = 4096;
const LARGEST_BASE = 1 << 24;

export class HashChain {
  readonly #level: ChainLevel;
  readonly #sink: BlockSink;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  /** By hash: newest position with it, plus #base; 0 when none. */
  readonly #head = new Int32Array(1 << 17);
  /** By position modulo the window: the position before it in its chain, plus #base. */
  readonly #previous = new Int32Array(WINDOW_BYTES);
  readonly #tokens = new Uint32Array(BLOCK_TOKENS);
  #tokenCount = 0;
  #index = 0;
  #end = 0;
  #base = 1;
  #chainHead = -1;
  #length = 3;
  #distance = 0;
  #literalPending = false;
  /** Where the current block starts in the buffer; −1 once that has slid out. */
  #blockStart = 0;

  constructor(level: ChainLevel, sink: BlockSink) {
    this.#level = level;
    this.#sink = sink;
  }

  /** For a new stream: what the tables have is below the base then, so that a member of few bytes costs little. */
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
  }

  /** Copies in what fits of a range; returns how many bytes that was. */
  fill(from: Uint8Array, start: number, end: number): number {
    if (this.#index >= BUFFER_BYTES - LOOKAHEAD) this.#slide();
    const count = Math.min(end - start, BUFFER_BYTES - this.#end);
    this.#buffer.set(from.subarray(start, start + count), this.#end);
    this.#end += count;
    return count;
  }

  /** Matches as far as it can see, or with `toEnd` to the last byte, which ends the block. */
  run(toEnd: boolean): void {
    if (this.#level.lazy > 0) this.#runLazy(toEnd);
    else this.#runGreedy(toEnd);
    if (!toEnd) return;
    if (this.#literalPending) {
      this.#tokens[this.#tokenCount++] = this.#buffer[this.#index - 1]!;
      this.#literalPending = false;
    }
    if (this.#tokenCount > 0) this.#endBlock(this.#index);
  }

  #runLazy(toEnd: boolean): void {
    const buffer = this.#buffer;
    const head = this.#head;
    const previous = this.#previous;
    const base = this.#base;
    const lazy = this.#level.lazy;
    const end = this.#end;
    const stop = toEnd ? end : end - LOOKAHEAD + 1;
    const maxInsert = end - 3;
    let index = this.#index;
    let length = this.#length;
    let distance = this.#distance;
    let literalPending = this.#literalPending;
    while (index < stop) {
      if (index < maxInsert) {
        const hash = hashAt(buffer, index);
        const chainHead = head[hash]!;
        this.#chainHead = chainHead;
        previous[index & 32767] = chainHead;
        head[hash] = index + base;
      }
      const lastLength = length;
      const lastDistance = distance;
      length = 3;
      distance = 0;
      const candidate = this.#chainHead - base;
      const look = end - index;
      if (candidate >= 0 && candidate >= index - WINDOW_BYTES && look > lastLength && lastLength < lazy) {
        const found = this.#search(candidate, index, look);
        if (found !== 0) {
          length = found >>> 16;
          distance = found & 0xffff;
        }
      }
      if (lastLength >= 4 && length <= lastLength) {
        this.#tokens[this.#tokenCount++] = (lastLength << 16) | lastDistance;
        const next = index + lastLength - 1;
        const insertEnd = Math.min(next, maxInsert);
        for (let at = index + 1; at < insertEnd; at++) {
          const hash = hashAt(buffer, at);
          previous[at & 32767] = head[hash]!;
          head[hash] = at + base;
        }
        index = next;
        literalPending = false;
        length = 3;
        if (this.#tokenCount === BLOCK_TOKENS) this.#endBlock(index);
      } else {
        if (literalPending) {
          this.#tokens[this.#tokenCount++] = buffer[index - 1]!;
          if (this.#tokenCount === BLOCK_TOKENS) this.#endBlock(index);
        }
        index++;
        literalPending = true;
      }
    }
    this.#index = index;
    this.#length = length;
    this.#distance = distance;
    this.#literalPending = literalPending;
  }

  #runGreedy(toEnd: boolean): void {
    const buffer = this.#buffer;
    const head = this.#head;
    const previous = this.#previous;
    const base = this.#base;
    const fastSkip = this.#level.fastSkip;
    const end = this.#end;
    const stop = toEnd ? end : end - LOOKAHEAD + 1;
    const maxInsert = end - 3;
    let index = this.#index;
    while (index < stop) {
      if (index < maxInsert) {
        const hash = hashAt(buffer, index);
        const chainHead = head[hash]!;
        this.#chainHead = chainHead;
        previous[index & 32767] = chainHead;
        head[hash] = index + base;
      }
      const candidate = this.#chainHead - base;
      const look = end - index;
      let found = 0;
      if (candidate >= 0 && candidate >= index - WINDOW_BYTES && look > 3) {
        found = this.#search(candidate, index, look);
      }
      if (found === 0) {
        this.#tokens[this.#tokenCount++] = buffer[index]!;
        index++;
      } else {
        this.#tokens[this.#tokenCount++] = found;
        const next = index + (found >>> 16);
        if (found >>> 16 <= fastSkip) {
          const insertEnd = Math.min(next, maxInsert);
          for (let at = index + 1; at < insertEnd; at++) {
            const hash = hashAt(buffer, at);
            previous[at & 32767] = head[hash]!;
            head[hash] = at + base;
          }
        }
        index = next;
      }
      if (this.#tokenCount === BLOCK_TOKENS) this.#endBlock(index);
    }
    this.#index = index;
  }

  /** The best match at `index` along the chain from `candidate`, as a token; 0 when there is none of 4 bytes. */
  #search(candidate: number, index: number, look: number): number {
    const buffer = this.#buffer;
    const previous = this.#previous;
    const base = this.#base;
    const limit = Math.min(look, MAX_MATCH);
    const nice = Math.min(this.#level.nice, limit);
    const oldest = index - WINDOW_BYTES;
    const lowest = Math.max(oldest, 0);
    let best = 3;
    let bestDistance = 0;
    let wanted = buffer[index + best]!;
    let at = candidate;
    for (let tries = this.#level.chain; tries > 0; tries--) {
      if (buffer[at + best] === wanted) {
        let length = 0;
        while (length < limit && buffer[at + length] === buffer[index + length]) length++;
        if (length > best && (length > 4 || index - at <= FAR_SHORT)) {
          best = length;
          bestDistance = index - at;
          if (length >= nice) break;
          wanted = buffer[index + best]!;
        }
      }
      if (at === oldest) break;
      at = previous[at & 32767]! - base;
      if (at < lowest) break;
    }
    return bestDistance === 0 ? 0 : (best << 16) | bestDistance;
  }

  #endBlock(end: number): void {
    this.#sink(this.#tokens, this.#tokenCount, this.#buffer, this.#blockStart, end);
    this.#blockStart = end;
    this.#tokenCount = 0;
  }

  /** Moves the upper half of the buffer down; once in a while renumbers the chains. */
  #slide(): void {
    this.#buffer.copyWithin(0, WINDOW_BYTES, BUFFER_BYTES);
    this.#index -= WINDOW_BYTES;
    this.#end -= WINDOW_BYTES;
    this.#blockStart = this.#blockStart >= WINDOW_BYTES ? this.#blockStart - WINDOW_BYTES : -1;
    this.#base += WINDOW_BYTES;
    if (this.#base <= LARGEST_BASE) return;
    const delta = this.#base - 1;
    this.#base = 1;
    this.#chainHead -= delta;
    shiftDown(this.#head, delta);
    shiftDown(this.#previous, delta);
  }
}

function hashAt(buffer: Uint8Array, at: number): number {
  const word = (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
  return Math.imul(word, 0x1e35a7bd) >>> 15;
}

function shiftDown(entries: Int32Array, delta: number): void {
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    entries[index] = entry > delta ? entry - delta : 0;
  }
}
