/**
 * The matchers of zlib and GNU gzip: hash chains of 3 bytes over a 64 KiB buffer that slides by half, greedy for
 * levels 1 to 3, lazy for 4 to 9. Plain reference; the kernel zlib-chain must agree token for token.
 */
import { DISTANCE_EXTRA, distanceSymbol, FIRST_MATCH, MAX_MATCH, WINDOW_BYTES } from '../codes.ts';
import { HASHES, type HashName } from './hash.ts';

/** Ends a block: its tokens, and where its plain bytes are in the buffer (start −1: already gone). */
export type BlockSink = (
  tokens: Uint32Array,
  count: number,
  buffer: Uint8Array,
  start: number,
  end: number,
  isFinal: boolean,
) => void;

export interface ZlibLevel {
  readonly isLazy: boolean;
  /** Search a quarter of the chain when the match before is this long. */
  readonly good: number;
  /** Lazy: look on while the match is shorter. Greedy: index inside matches up to this long. */
  readonly lazy: number;
  readonly nice: number;
  readonly chain: number;
}

export const ZLIB_LEVELS: readonly (ZlibLevel | undefined)[] = [
  undefined,
  { isLazy: false, good: 4, lazy: 4, nice: 8, chain: 4 },
  { isLazy: false, good: 4, lazy: 5, nice: 16, chain: 8 },
  { isLazy: false, good: 4, lazy: 6, nice: 32, chain: 32 },
  { isLazy: true, good: 4, lazy: 4, nice: 16, chain: 16 },
  { isLazy: true, good: 8, lazy: 16, nice: 32, chain: 32 },
  { isLazy: true, good: 8, lazy: 16, nice: 128, chain: 128 },
  { isLazy: true, good: 8, lazy: 32, nice: 128, chain: 256 },
  { isLazy: true, good: 32, lazy: 128, nice: 258, chain: 1024 },
  { isLazy: true, good: 32, lazy: 258, nice: 258, chain: 4096 },
];

const BUFFER_BYTES = 2 * WINDOW_BYTES;
const LOOKAHEAD = MAX_MATCH + 4;
const REACH = WINDOW_BYTES - LOOKAHEAD;
const TOO_FAR = 4096;
const FEW_BYTES = 8192;

export interface MatcherOptions {
  readonly level: ZlibLevel;
  readonly hash: HashName;
  /** A block ends after so many tokens, */
  readonly blockTokens: number;
  /** or, as GNU gzip does it, after a multiple of 4096 if an upper bound of its size says that this pays. */
  readonly weighsBlocks: boolean;
  /** Whether matches are compared beyond the end of the input, where old bytes lie, and cut afterwards. */
  readonly looksBeyond: boolean;
}

export class ZlibMatcher {
  readonly #options: MatcherOptions;
  readonly #sink: BlockSink;
  readonly #buffer = new Uint8Array(BUFFER_BYTES + LOOKAHEAD);
  readonly #head: Uint16Array;
  readonly #previous = new Uint16Array(WINDOW_BYTES);
  readonly #tokens: Uint32Array;
  #tokenCount = 0;
  #index = 0;
  #end = 0;
  /** Positions before the index that were not indexed, for want of bytes behind them. */
  #owed = 0;
  #blockStart = 0;
  #hasSlid = false;
  #length = 2;
  #from = 0;
  #literalPending = false;

  constructor(options: MatcherOptions, sink: BlockSink) {
    this.#options = options;
    this.#sink = sink;
    this.#head = new Uint16Array(1 << HASHES[options.hash].bits);
    this.#tokens = new Uint32Array(options.blockTokens + 1);
  }

  /** A new stream that may refer to the dictionary's last 32 KiB. */
  reset(dictionary: Uint8Array): void {
    this.#clearHead();
    const kept = dictionary.subarray(Math.max(0, dictionary.length - WINDOW_BYTES));
    this.#buffer.set(kept);
    this.#index = kept.length;
    this.#end = kept.length;
    this.#blockStart = kept.length;
    this.#owed = kept.length;
    this.#tokenCount = 0;
    this.#length = 2;
    this.#literalPending = false;
  }

  /** Of a stream of few bytes, all of which are there still, only what they put there. */
  #clearHead(): void {
    if (this.#hasSlid || this.#end > FEW_BYTES) this.#head.fill(0);
    else {
      const { of } = HASHES[this.#options.hash];
      for (let at = 0; at < this.#end; at++) this.#head[of(this.#buffer, at)] = 0;
    }
    this.#hasSlid = false;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#end === BUFFER_BYTES) this.#run(false);
      if (this.#index >= WINDOW_BYTES + REACH) this.#slide();
      const count = Math.min(bytes.length - at, BUFFER_BYTES - this.#end);
      this.#buffer.set(bytes.subarray(at, at + count), this.#end);
      this.#end += count;
      at += count;
    }
  }

  /** Matches to the last byte and ends the block, if there are tokens or it is the final one. */
  flush(isFinal: boolean): void {
    this.#run(false);
    if (this.#index >= WINDOW_BYTES + REACH) this.#slide();
    if (this.#options.looksBeyond) this.#buffer.fill(0, this.#end, this.#end + 2);
    this.#run(true);
    if (this.#literalPending) {
      this.#tokens[this.#tokenCount++] = this.#buffer[this.#index - 1]!;
      this.#literalPending = false;
    }
    if (isFinal || this.#tokenCount > 0) this.#endBlock(this.#index, isFinal);
    // What follows a flush begins with no match in mind.
    this.#length = 2;
  }

  #run(toEnd: boolean): void {
    this.#indexOwed();
    if (this.#options.level.isLazy) this.#runLazy(toEnd);
    else this.#runGreedy(toEnd);
  }

  #indexOwed(): void {
    let at = this.#index - this.#owed;
    const last = Math.min(this.#index, this.#end - HASHES[this.#options.hash].bytes + 1);
    for (; at < last; at++) this.#insert(at);
    this.#owed = this.#index - at;
  }

  #runLazy(toEnd: boolean): void {
    const { level, hash } = this.#options;
    const hashBytes = HASHES[hash].bytes;
    const buffer = this.#buffer;
    const end = this.#end;
    const stop = toEnd ? end : end - LOOKAHEAD + 1;
    const lastInsert = end - hashBytes;
    while (this.#index < stop) {
      const index = this.#index;
      const head = index <= lastInsert ? this.#insert(index) : 0;
      const lastLength = this.#length;
      const lastFrom = this.#from;
      this.#length = 2;
      if (head !== 0 && lastLength < level.lazy && index - head <= REACH) {
        this.#length = this.#search(head, lastLength);
        if (this.#length === 3 && index - this.#from > TOO_FAR) this.#length = 2;
      }
      if (lastLength >= 3 && this.#length <= lastLength) {
        this.#tokens[this.#tokenCount++] = (lastLength << 16) | (index - 1 - lastFrom);
        const ends = this.#endsBlock(index - this.#blockStart);
        const next = index + lastLength - 1;
        const insertEnd = Math.min(next - 1, lastInsert);
        for (let at = index + 1; at <= insertEnd; at++) this.#insert(at);
        this.#index = next;
        this.#literalPending = false;
        this.#length = 2;
        if (ends) this.#endBlock(next, false);
      } else if (this.#literalPending) {
        this.#tokens[this.#tokenCount++] = buffer[index - 1]!;
        if (this.#endsBlock(index - this.#blockStart)) {
          this.#endBlock(index, false);
        }
        this.#index++;
      } else {
        this.#literalPending = true;
        this.#index++;
      }
    }
    if (toEnd) this.#owed = Math.min(this.#index, hashBytes - 1);
  }

  #runGreedy(toEnd: boolean): void {
    const { level, hash } = this.#options;
    const hashBytes = HASHES[hash].bytes;
    const buffer = this.#buffer;
    const end = this.#end;
    const stop = toEnd ? end : end - LOOKAHEAD + 1;
    const lastInsert = end - hashBytes;
    while (this.#index < stop) {
      const index = this.#index;
      const head = index <= lastInsert ? this.#insert(index) : 0;
      const length = head !== 0 && index - head <= REACH ? this.#search(head, 2) : 2;
      if (length >= 3) {
        this.#tokens[this.#tokenCount++] = (length << 16) | (index - this.#from);
        const next = index + length;
        if (length <= level.lazy && next <= lastInsert) {
          for (let at = index + 1; at < next; at++) this.#insert(at);
        }
        const ends = this.#endsBlock(index - this.#blockStart);
        this.#index = next;
        if (ends) this.#endBlock(next, false);
      } else {
        this.#tokens[this.#tokenCount++] = buffer[index]!;
        const ends = this.#endsBlock(index - this.#blockStart);
        this.#index++;
        if (ends) this.#endBlock(index + 1, false);
      }
    }
    if (toEnd) this.#owed = Math.min(this.#index, hashBytes - 1);
  }

  /** The length of the longest match at the index that beats `least`, else `least`; its place goes to #from. */
  #search(head: number, least: number): number {
    const { level, looksBeyond } = this.#options;
    const buffer = this.#buffer;
    const previous = this.#previous;
    const index = this.#index;
    const look = this.#end - index;
    const limit = looksBeyond ? MAX_MATCH : Math.min(look, MAX_MATCH);
    const lowest = index > REACH ? index - REACH : 0;
    const nice = looksBeyond ? level.nice : Math.min(level.nice, look);
    let tries = least >= level.good ? level.chain >> 2 : level.chain;
    let best = least;
    let at = head;
    do {
      if (buffer[at + best] === buffer[index + best] && buffer[at + best - 1] === buffer[index + best - 1]) {
        let length = 0;
        while (length < limit && buffer[at + length] === buffer[index + length]) length++;
        if (length > best) {
          this.#from = at;
          best = length;
          if (length >= nice) break;
        }
      }
      at = previous[at & 32767]!;
    } while (at > lowest && --tries !== 0);
    return Math.min(best, look);
  }

  /** Puts a position in the table; returns the one its hash had before. */
  #insert(at: number): number {
    const hash = HASHES[this.#options.hash].of(this.#buffer, at);
    const head = this.#head[hash]!;
    this.#previous[at & 32767] = head;
    this.#head[hash] = at;
    return head;
  }

  /** Whether the block ends after the token just added; `plainBytes` are those before the index. */
  #endsBlock(plainBytes: number): boolean {
    const { weighsBlocks, blockTokens } = this.#options;
    const count = this.#tokenCount;
    if (weighsBlocks && (count & 0xfff) === 0 && paysToEnd(this.#tokens, count, plainBytes)) return true;
    return count === blockTokens;
  }

  #endBlock(end: number, isFinal: boolean): void {
    const start = Math.max(this.#blockStart, -1);
    this.#sink(this.#tokens, this.#tokenCount, this.#buffer, start, end, isFinal);
    this.#blockStart = end;
    this.#tokenCount = 0;
  }

  #slide(): void {
    this.#hasSlid = true;
    this.#buffer.copyWithin(0, WINDOW_BYTES, BUFFER_BYTES);
    this.#index -= WINDOW_BYTES;
    this.#end -= WINDOW_BYTES;
    this.#from -= WINDOW_BYTES;
    this.#blockStart -= WINDOW_BYTES;
    for (const table of [this.#head, this.#previous]) {
      for (let slot = 0; slot < table.length; slot++) {
        const entry = table[slot]!;
        table[slot] = entry >= WINDOW_BYTES ? entry - WINDOW_BYTES : 0;
      }
    }
  }
}

function paysToEnd(tokens: Uint32Array, count: number, plainBytes: number): boolean {
  let bits = count * 8;
  let matches = 0;
  for (let index = 0; index < count; index++) {
    const token = tokens[index]!;
    if (token < FIRST_MATCH) continue;
    matches++;
    bits += 5 + DISTANCE_EXTRA[distanceSymbol(token & 0xffff)]!;
  }
  return matches < count >> 1 && bits >>> 3 < plainBytes >> 1;
}
