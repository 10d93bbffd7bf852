/** Predicts what an archive of Java classes has mapped: 8-byte addresses, moved; and the hashes of its symbols. */

import { getU64, setU64 } from '../elf/bytes.ts';
import type { Context, Piece, Stepper } from '../elf/piece.ts';
import { type Correct, STEP_BYTES } from '../elf/piece.ts';
import type { CdsNews } from './news.ts';
import { SYMBOL_HEADER_BYTES } from './symbols.ts';

/** Numbers that small are more likely counts or flags than addresses. */
const MIN_ADDRESS = 0x1000;

export function cdsSpaceStepper(context: Context, piece: Piece, news: CdsNews): Stepper {
  const { old, addresses } = context;
  let done = 0;
  return (into, correct) => {
    const count = Math.min(piece.length - done, STEP_BYTES);
    const oldStart = piece.oldStart + done;
    old.copy(oldStart, into.subarray(0, count));
    let corrected = predictSymbols(news, piece.newStart + done, into, count, correct);
    const firstWord = -oldStart & 7;
    for (
      let at = firstWord + 8 * Math.max(0, Math.ceil((corrected - firstWord) / 8));
      at + 8 <= count;
      at += 8
    ) {
      const target = getU64(into, at);
      if (target < MIN_ADDRESS || !addresses.isOld(target)) continue;
      const predicted = addresses.toNew(target);
      setU64(into, at, predicted);
      correct(corrected, at + 8);
      corrected = at + 8;
      const actual = getU64(into, at);
      if (actual !== predicted) addresses.learn(target, actual);
    }
    correct(corrected, count);
    done += count;
    return count;
  };
}

/** Goes from symbol to symbol, as far as their headers are in these bytes; answers how many of them are true now. */
function predictSymbols(
  news: CdsNews,
  start: number,
  into: Uint8Array,
  count: number,
  correct: Correct,
): number {
  const symbols = news.symbols();
  let corrected = 0;
  while (symbols !== undefined) {
    const at = symbols.place() - start;
    const stop = Math.min(count, at + SYMBOL_HEADER_BYTES);
    if (at >= count || stop <= corrected) break;
    for (let i = 0; i < 2; i++) {
      const place = at + 2 + i;
      if (place >= corrected && place < stop) into[place] = symbols.hash() >> (8 * i);
    }
    correct(corrected, stop);
    news.take(start + corrected, into.subarray(corrected, stop));
    corrected = stop;
  }
  return corrected;
}
