/**
 * Levels 1 and 2 of Go 1.27's encoder: one table of 5-byte hashes, two probes a round. Plain reference; the kernel
 * of the same name must agree token for token.
 */
import { commonLength, History, hash4as5, hash5, load32, MARGIN, REACH } from './history.ts';
import { HistoryMatcher } from './matcher.ts';

export class SingleTableMatcher extends HistoryMatcher {
  readonly #isLevel2: boolean;
  readonly #shift: number;
  readonly #table: Int32Array;

  constructor(level: 1 | 2) {
    const bits = level === 2 ? 17 : 15;
    const table = new Int32Array(1 << bits);
    super(new History([table]));
    this.#isLevel2 = level === 2;
    this.#shift = 32 - bits;
    this.#table = table;
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
        next = at + 2 + ((at - emitted) >> 5);
        if (next > limit) {
          history.remainder(emitted);
          return;
        }
        from = this.#probe(at);
        if (from >= 0) {
          this.#insert(next);
          break;
        }
        at = next++;
        from = this.#probe(at);
        // Level 1 keeps the slot of `at` in this case, level 2 indexes nothing.
        if (from >= 0 && !this.#isLevel2) {
          this.#table[hash5(buffer, at) >>> this.#shift] = next + history.current;
        }
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
          if (at + length + 8 < end) this.#insert(at);
          history.remainder(emitted);
          return;
        }
        if (this.#isLevel2) this.#indexInside(at - length + 2, at);
        this.#insert(at - 2);
        if (this.#isLevel2) this.#insert(at - 1);
        from = this.#probeNear(at);
        if (from < 0) break;
      }
      at++;
    }
  }

  #indexInside(first: number, at: number): void {
    for (let index = first; index < at - 5; index += 7) {
      this.#insert(index);
      this.#insert(index + 2);
      this.#insertCut(index + 4);
    }
  }

  /** Where the bytes at `at` were seen, or −1; puts `at` in the table. */
  #probe(at: number): number {
    const from = this.#exchange(at);
    return at - from < REACH && load32(this.history.buffer, from) === load32(this.history.buffer, at)
      ? from
      : -1;
  }

  /** The same right after a match, where one byte farther away is still taken. */
  #probeNear(at: number): number {
    const from = this.#exchange(at);
    return at - from <= REACH && load32(this.history.buffer, from) === load32(this.history.buffer, at)
      ? from
      : -1;
  }

  #exchange(at: number): number {
    const { buffer, current } = this.history;
    const slot = hash5(buffer, at) >>> this.#shift;
    const from = this.#table[slot]! - current;
    this.#table[slot] = at + current;
    return from;
  }

  /** As if the fifth byte were 0: the encoder has shifted it out of its register. */
  #insertCut(at: number): void {
    const { buffer, current } = this.history;
    this.#table[hash4as5(buffer, at) >>> this.#shift] = at + current;
  }

  #insert(at: number): void {
    const { buffer, current } = this.history;
    this.#table[hash5(buffer, at) >>> this.#shift] = at + current;
  }
}
