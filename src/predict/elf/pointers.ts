/** Predicts tables of 8-byte addresses: .data.rel.ro, .got, .init_array and the like. */
import type { Area } from './image.ts';
import { type Context, getU64, type Piece, STEP_BYTES, type Stepper, setU64 } from './piece.ts';

/** Numbers that small are more likely counts or flags than addresses. */
const MIN_ADDRESS = 0x1000;

export function pointerStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses } = context;
  let done = 0;
  return (into, correct) => {
    const count = Math.min(piece.length - done, STEP_BYTES);
    const oldStart = piece.oldStart + done;
    old.copy(oldStart, into.subarray(0, count));
    let corrected = 0;
    for (let at = (8 - ((oldStart - area.start) & 7)) & 7; at + 8 <= count; at += 8) {
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
