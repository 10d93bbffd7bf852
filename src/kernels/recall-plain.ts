/**
 * The recalling coder without WebAssembly: arithmetic coding of bits by the chances that the model gives them. The oracle
 * of the kernel, and what runs where there is none (docs/coder.md, "Bits").
 */
import { recallModel } from './recall-model.ts';
import { MOST_RECALL_CODED_BYTES } from './recall-tables.ts';

export interface RecallEncoder {
  /**
   * Codes the next bytes of a stream, all but the last `MOST_HELD_BYTES` at least, and gives the coded bytes that are
   * ready; they are the caller's to keep.
   */
  encode(plain: Uint8Array): Uint8Array;
  /** Gives the last coded bytes. */
  finish(): Uint8Array;
}

export interface RecallDecoder {
  /** How many bytes past the end of the stream were taken, as zeros: 3 when it is whole. */
  readonly missingBytes: number;
  /**
   * Makes up to `most` bytes of the next coded ones; fewer when so few of those are left that the next byte may need
   * more, unless the stream ends with them. What was not used is to be given again. `plain` is the caller's to keep.
   */
  decode(coded: Uint8Array, isLast: boolean, most: number): { plain: Uint8Array; usedBytes: number };
}

export function startPlainRecallEncoder(windowBits: number): RecallEncoder {
  let out: number[] = [];
  let low = 0;
  let high = 0xffff_ffff;
  const code = recallModel(windowBits, (chance, bit) => {
    const middle = divide(low, high, chance);
    if (bit === 1) high = middle;
    else low = middle + 1;
    while (low >>> 24 === high >>> 24) {
      out.push(low >>> 24);
      low = (low << 8) >>> 0;
      high = ((high << 8) | 255) >>> 0;
    }
    return bit;
  });
  let held: Uint8Array = new Uint8Array(0);
  const codeAll = (plain: Uint8Array, isEnd: boolean): Uint8Array => {
    out = [];
    held = Buffer.concat([held, plain]);
    while (held.length > 0) {
      const made = code(held, isEnd);
      if (made === undefined) break;
      held = held.subarray(made.length);
    }
    return Uint8Array.from(out);
  };
  return {
    encode: (plain) => codeAll(plain, false),
    // Zeros follow what is written, as readers take it: one more byte gives a number between the two.
    finish: () =>
      Buffer.concat([
        codeAll(new Uint8Array(0), true),
        Uint8Array.of(Math.floor((low + 0xff_ffff) / 2 ** 24)),
      ]),
  };
}

export function startPlainRecallDecoder(windowBits: number): RecallDecoder {
  let coded: Uint8Array = new Uint8Array(0);
  let used = 0;
  let missingBytes = 0;
  let low = 0;
  let high = 0xffff_ffff;
  let value = 0;
  let hasBegun = false;
  /** Made, and not given yet. */
  let rest: readonly number[] = [];
  const take = () => {
    value = ((value << 8) | (coded[used] ?? 0)) >>> 0;
    if (used < coded.length) used++;
    else missingBytes++;
  };
  const code = recallModel(windowBits, (chance) => {
    const middle = divide(low, high, chance);
    const bit = value <= middle ? 1 : 0;
    if (bit === 1) high = middle;
    else low = middle + 1;
    while (low >>> 24 === high >>> 24) {
      low = (low << 8) >>> 0;
      high = ((high << 8) | 255) >>> 0;
      take();
    }
    return bit;
  });
  return {
    get missingBytes() {
      return missingBytes;
    },
    decode(given, isLast, most) {
      coded = given;
      used = 0;
      if (!hasBegun && (isLast || coded.length >= 4)) {
        for (let i = 0; i < 4; i++) take();
        hasBegun = true;
      }
      const made: number[] = [];
      while (hasBegun && made.length < most) {
        if (rest.length === 0 && !isLast && used + MOST_RECALL_CODED_BYTES > coded.length) break;
        if (rest.length === 0) rest = code()!;
        const count = Math.min(rest.length, most - made.length);
        made.push(...rest.slice(0, count));
        rest = rest.slice(count);
      }
      return { plain: Uint8Array.from(made), usedBytes: used };
    },
  };
}

/** Where the numbers from `low` to `high` are split: those up to there are for a one. */
function divide(low: number, high: number, chance: number): number {
  const range = high - low;
  return low + (range >>> 16) * chance + (((range & 0xffff) * chance) >>> 16);
}
