/**
 * Level 3 of Go 1.27's encoder: one table of 5-byte hashes with two entries each. Plain reference.
 */
import { commonLength, History, hash5, load32, MARGIN, REACH } from './history.ts';
import { HistoryMatcher } from './matcher.ts';

const TABLE_SIZE = 1 << 16;
/** Candidates are looked up a little less far, so that 4 bytes at either end are in reach. */
const SAFE_REACH = REACH - 4;

export class PairMatcher extends HistoryMatcher {
  readonly #newest: Int32Array;
  readonly #before: Int32Array;
  #candidate = 0;
  #candidateBefore = 0;

  constructor() {
    const newest = new Int32Array(TABLE_SIZE);
    const before = new Int32Array(TABLE_SIZE);
    super(new History([newest, before]));
    this.#newest = newest;
    this.#before = before;
  }

  protected run(start: number): void {
    const history = this.history;
    const { buffer, length: end } = history;
    const limit = end - MARGIN;
    let emitted = start;
    let at = start;
    for (;;) {
      let next = at;
      let from = -1;
      do {
        at = next;
        next = at + 1 + ((at - emitted) >> 7);
        if (next > limit) {
          history.remainder(emitted);
          return;
        }
        this.#exchange(at);
        from = this.#longerCandidate(at, end);
      } while (from < 0);
      for (;;) {
        let length = 4 + commonLength(buffer, at + 4, from + 4, end);
        while (from > 0 && at > emitted && buffer[from - 1] === buffer[at - 1]) {
          at--;
          from--;
          length++;
        }
        if (emitted < at) history.literals(emitted, at);
        history.match(length, at - from);
        at += length;
        emitted = at;
        if (next >= at) at = next + 1;
        if (at >= limit) {
          const after = from + length;
          if (after + 8 < end && after > 0) this.#exchange(after);
          history.remainder(emitted);
          return;
        }
        for (let index = at - length + 2; index < at - 5; index += 6) this.#exchange(index);
        this.#exchange(at - 2);
        this.#exchange(at - 1);
        this.#exchange(at);
        from = this.#firstCandidate(at);
        if (from < 0) break;
      }
      at++;
    }
  }

  /** Of two candidates in reach the one that matches longer; −1: none. */
  #longerCandidate(at: number, end: number): number {
    const { buffer } = this.history;
    const newest = this.#candidate;
    const before = this.#candidateBefore;
    if (at - newest > SAFE_REACH) return -1;
    const value = load32(buffer, at);
    if (load32(buffer, newest) !== value) {
      return at - before < SAFE_REACH && load32(buffer, before) === value ? before : -1;
    }
    if (at - before > SAFE_REACH || load32(buffer, before) !== value) return newest;
    const length = commonLength(buffer, at + 4, newest + 4, end);
    return commonLength(buffer, at + 4, before + 4, end) > length ? before : newest;
  }

  #firstCandidate(at: number): number {
    const { buffer } = this.history;
    if (at - this.#candidate >= SAFE_REACH) return -1;
    const value = load32(buffer, at);
    if (load32(buffer, this.#candidate) === value) return this.#candidate;
    const before = this.#candidateBefore;
    return at - before < SAFE_REACH && load32(buffer, before) === value ? before : -1;
  }

  /** Puts `at` in the table and keeps what was there as candidates. */
  #exchange(at: number): void {
    const { buffer, current } = this.history;
    const slot = hash5(buffer, at) >>> 16;
    this.#candidate = this.#newest[slot]! - current;
    this.#candidateBefore = this.#before[slot]! - current;
    this.#before[slot] = this.#newest[slot]!;
    this.#newest[slot] = at + current;
  }
}
