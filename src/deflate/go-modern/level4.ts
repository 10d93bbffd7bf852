/**
 * Level 4 of Go 1.27's encoder: a table of 4-byte hashes and one of 7-byte hashes, one entry each. Plain reference.
 */
import { commonLength, History, hash4, hash7, load32, MARGIN, REACH } from './history.ts';
import { HistoryMatcher } from './matcher.ts';

const TABLE_SIZE = 1 << 15;

export class ShortLongMatcher extends HistoryMatcher {
  readonly #short: Int32Array;
  readonly #long: Int32Array;
  readonly #comparesElsewhere: boolean;
  #at = 0;
  #from = 0;

  /** Later releases measure the second match by the bytes at its distance rather than at its place. */
  constructor(comparesElsewhere: boolean) {
    const short = new Int32Array(TABLE_SIZE);
    const long = new Int32Array(TABLE_SIZE);
    super(new History([short, long]));
    this.#short = short;
    this.#long = long;
    this.#comparesElsewhere = comparesElsewhere;
  }

  protected run(start: number): void {
    const history = this.history;
    const { buffer, length: end } = history;
    const limit = end - MARGIN;
    let emitted = start;
    let at = start;
    for (;;) {
      let next = at;
      do {
        at = next;
        next = at + 1 + ((at - emitted) >> 6);
        if (next > limit) {
          history.remainder(emitted);
          return;
        }
      } while (!this.#findAt(at, next, end));
      at = this.#at;
      let from = this.#from;
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
        if (at + 8 < end) {
          this.#insertShort(at);
          this.#insertLong(at);
        }
        history.remainder(emitted);
        return;
      }
      for (let index = next; index < at - 1; index += 3) {
        this.#insertLong(index);
        this.#insertLong(index + 1);
        this.#insertShort(index + 1);
      }
      this.#insertShort(at - 1);
      this.#insertLong(at - 1);
    }
  }

  #findAt(at: number, next: number, end: number): boolean {
    const { buffer, current } = this.history;
    const shortSlot = hash4(buffer, at);
    const longSlot = hash7(buffer, at);
    const shortFrom = this.#short[shortSlot]! - current;
    const longFrom = this.#long[longSlot]! - current;
    this.#short[shortSlot] = at + current;
    this.#long[longSlot] = at + current;
    const value = load32(buffer, at);
    this.#at = at;
    if (at - longFrom < REACH && load32(buffer, longFrom) === value) {
      this.#from = longFrom;
      return true;
    }
    if (at - shortFrom >= REACH || load32(buffer, shortFrom) !== value) return false;
    this.#from = shortFrom;
    const nextFrom = this.#long[hash7(buffer, next)]! - current;
    if (next - nextFrom < REACH && load32(buffer, nextFrom) === load32(buffer, next)) {
      const compared = this.#comparesElsewhere ? next - nextFrom : nextFrom;
      const length = commonLength(buffer, at + 4, shortFrom + 4, end);
      if (commonLength(buffer, next + 4, compared + 4, end) > length) {
        this.#at = next;
        this.#from = nextFrom;
      }
    }
    return true;
  }

  #insertShort(index: number): void {
    this.#short[hash4(this.history.buffer, index)] = index + this.history.current;
  }

  #insertLong(index: number): void {
    this.#long[hash7(this.history.buffer, index)] = index + this.history.current;
  }
}
