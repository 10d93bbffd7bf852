/**
 * Levels 5 and 6 of Go 1.27's encoder (klauspost/compress from 1.15.10): a table of 4-byte hashes and one of
 * 7-byte hashes with two entries each. Plain reference; the kernel of the same name must agree token for token.
 */
import { commonLength, History, hash4, hash7, load32, MARGIN, REACH } from './history.ts';
import { HistoryMatcher } from './matcher.ts';

const TABLE_SIZE = 1 << 15;
const LONGEST = 258;

export interface TwoTableOptions {
  /** Whether a longer match is looked for by what follows the one found. */
  readonly looksAtEnd: boolean;
  /** Bytes at the start that this look leaves unread; they are found again backwards. */
  readonly skipped: number;
  /** Longer matches are cut into parts of this length. */
  readonly longestPart: number;
}

export class TwoTableMatcher extends HistoryMatcher {
  readonly #isLevel6: boolean;
  readonly #short: Int32Array;
  readonly #long: Int32Array;
  readonly #longBefore: Int32Array;
  readonly #looksAtEnd: boolean;
  readonly #skipped: number;
  /** The match being worked on: its index, where it is copied from, its length. */
  #at = 0;
  #from = 0;
  #length = 0;
  #repeat = 1;

  constructor(level: 5 | 6, options: TwoTableOptions) {
    const [short, long, longBefore] = [1, 2, 3].map(() => new Int32Array(TABLE_SIZE)) as [
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    super(new History([short, long, longBefore], options.longestPart));
    this.#short = short;
    this.#long = long;
    this.#longBefore = longBefore;
    this.#isLevel6 = level === 6;
    this.#looksAtEnd = options.looksAtEnd;
    this.#skipped = options.skipped;
  }

  protected run(start: number): void {
    const history = this.history;
    const end = history.length;
    const limit = end - MARGIN;
    const skipShift = this.#isLevel6 ? 7 : 6;
    let emitted = start;
    let at = start;
    this.#repeat = 1;
    for (;;) {
      let next = at;
      do {
        at = next;
        next = at + 1 + ((at - emitted) >> skipShift);
        if (next > limit) {
          history.remainder(emitted);
          return;
        }
      } while (!this.#findAt(at, next, end));
      this.#lengthen(end);
      if (this.#looksAtEnd) this.#tryEnd(end, limit);
      this.#growBack(emitted);
      if (emitted < this.#at) history.literals(emitted, this.#at);
      history.match(this.#length, this.#at - this.#from);
      this.#repeat = this.#at - this.#from;
      at = this.#at + this.#length;
      emitted = at;
      if (next >= at) at = next + 1;
      if (at >= limit) {
        if (this.#isLevel6) this.#indexTail(next, end);
        history.remainder(emitted);
        return;
      }
      if (this.#isLevel6) this.#indexInside6(next, at);
      else this.#indexInside5(at - this.#length + 1, at);
    }
  }

  /** Looks up `at`, puts it in the tables, and chooses; a length of 0 means: at least 4, to be found out. */
  #findAt(at: number, next: number, end: number): boolean {
    const { buffer, current } = this.history;
    const shortSlot = hash4(buffer, at);
    const longSlot = hash7(buffer, at);
    const shortFrom = this.#short[shortSlot]! - current;
    const longFrom = this.#long[longSlot]! - current;
    const beforeFrom = this.#longBefore[longSlot]! - current;
    this.#short[shortSlot] = at + current;
    this.#longBefore[longSlot] = this.#long[longSlot]!;
    this.#long[longSlot] = at + current;
    const value = load32(buffer, at);
    this.#at = at;
    this.#length = 0;
    if (at - longFrom < REACH) {
      const beforeFits = at - beforeFrom < REACH && load32(buffer, beforeFrom) === value;
      if (load32(buffer, longFrom) === value) {
        this.#insertBoth(next);
        this.#from = longFrom;
        if (beforeFits) this.#takeLonger(at, longFrom, beforeFrom, end);
        return true;
      }
      if (beforeFits) {
        this.#insertBoth(next);
        this.#from = beforeFrom;
        return true;
      }
    }
    if (at - shortFrom >= REACH || load32(buffer, shortFrom) !== value) return false;
    this.#from = shortFrom;
    this.#length = this.#capped(at, shortFrom, end);
    this.#tryNext(at, next, end);
    return true;
  }

  #takeLonger(at: number, longFrom: number, beforeFrom: number, end: number): void {
    const length = this.#capped(at, longFrom, end);
    const other = this.#capped(at, beforeFrom, end);
    this.#length = Math.max(length, other);
    if (other > length) this.#from = beforeFrom;
    else this.#length = length;
  }

  /** A match of 4 bytes was found: perhaps the byte after, or for level 6 the last distance, gives a longer one. */
  #tryNext(at: number, next: number, end: number): void {
    const { buffer, current } = this.history;
    const longSlot = hash7(buffer, next);
    const longFrom = this.#long[longSlot]! - current;
    const beforeFrom = this.#longBefore[longSlot]! - current;
    this.#insertBoth(next);
    if (this.#isLevel6) {
      const from = at - this.#repeat + 1;
      if (load32(buffer, from) === load32(buffer, at + 1)) {
        const length = this.#capped(at + 1, from, end);
        if (length > this.#length) {
          this.#take(at + 1, from, length);
          return;
        }
      }
    }
    if (next - longFrom >= REACH) return;
    const value = load32(buffer, next);
    if (load32(buffer, longFrom) === value) {
      const length = this.#capped(next, longFrom, end);
      if (length > this.#length) {
        this.#take(next, longFrom, length);
        if (!this.#isLevel6) return;
      }
    }
    if (next - beforeFrom < REACH && load32(buffer, beforeFrom) === value) {
      const length = this.#capped(next, beforeFrom, end);
      if (length > this.#length) this.#take(next, beforeFrom, length);
    }
  }

  #lengthen(end: number): void {
    if (this.#length !== 0 && this.#length !== LONGEST) return;
    const known = this.#length === 0 ? 4 : LONGEST;
    const { buffer } = this.history;
    this.#length = known + commonLength(buffer, this.#at + known, this.#from + known, end);
  }

  /** What follows the match may have been seen after a longer one. */
  #tryEnd(end: number, limit: number): void {
    const { buffer, current } = this.history;
    const after = this.#at + this.#length;
    if (after >= limit || (!this.#isLevel6 && this.#length >= 30)) return;
    const slot = hash7(buffer, after);
    const at = this.#at + this.#skipped;
    const distance = at - (this.#long[slot]! - current - this.#length + this.#skipped);
    if (distance >= REACH) return;
    const before = this.#longBefore[slot]! - current;
    this.#tryLonger(at, at - distance, end);
    if (this.#isLevel6) this.#tryLonger(at, before - this.#length + this.#skipped, end);
  }

  #tryLonger(at: number, from: number, end: number): void {
    const distance = at - from;
    if (distance <= 0 || distance >= REACH || from < 0) return;
    const length = commonLength(this.history.buffer, at, from, end);
    if (length > this.#length) this.#take(at, from, length);
  }

  #growBack(emitted: number): void {
    const { buffer } = this.history;
    let at = this.#at;
    let from = this.#from;
    while (from > 0 && at > emitted && buffer[from - 1] === buffer[at - 1]) {
      at--;
      from--;
    }
    this.#length += this.#at - at;
    this.#at = at;
    this.#from = from;
  }

  #indexInside5(first: number, at: number): void {
    let index = first;
    if (index < at - 1) {
      this.#insertBoth(index);
      this.#insertLong(index + 1);
      this.#insertShort(index + 2);
      for (index += 4; index < at - 1; index += 3) {
        this.#insertLong(index);
        this.#insertShort(index + 1);
      }
    }
    this.#insertBoth(at - 1);
  }

  #indexInside6(next: number, at: number): void {
    for (let index = next + 1; index < at - 1; index += 2) {
      this.#insertBoth(index);
      this.#insertLong(index + 1);
    }
  }

  #indexTail(next: number, end: number): void {
    for (let index = next + 1; index < end - 8; index += 2) this.#insertBoth(index);
  }

  #take(at: number, from: number, length: number): void {
    this.#at = at;
    this.#from = from;
    this.#length = length;
  }

  #capped(at: number, from: number, end: number): number {
    return commonLength(this.history.buffer, at, from, Math.min(end, at + LONGEST));
  }

  #insertBoth(index: number): void {
    this.#insertShort(index);
    this.#insertLong(index);
  }

  #insertShort(index: number): void {
    this.#short[hash4(this.history.buffer, index)] = index + this.history.current;
  }

  #insertLong(index: number): void {
    const slot = hash7(this.history.buffer, index);
    this.#longBefore[slot] = this.#long[slot]!;
    this.#long[slot] = index + this.history.current;
  }
}
