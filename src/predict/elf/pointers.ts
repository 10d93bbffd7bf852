/**
 * Predicts tables of 8-byte addresses: .data.rel.ro, .got, .init_array and the like. Where the new relocations, which
 * stand before, say what goes to a place, that is what stands there; else the old address, moved.
 */

import { getU64, setU64 } from './bytes.ts';
import type { Area } from './image.ts';
import { type Context, type Piece, STEP_BYTES, type Stepper } from './piece.ts';
import { sortedBy } from './tables.ts';

/** Numbers that small are more likely counts or flags than addresses. */
const MIN_ADDRESS = 0x1000;

export function pointerStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses, tables } = context;
  const { places, values } = tables.relocated;
  if (context.relocatedByPlace === undefined && places.length > 0)
    context.relocatedByPlace = sortedBy(places.length, (i) => places.get(i));
  const relocated = context.relocatedByPlace;
  let done = 0;
  return (into, correct) => {
    const count = Math.min(piece.length - done, STEP_BYTES);
    const oldStart = piece.oldStart + done;
    const newAddress = addresses.newAddress(piece.newStart + done);
    old.copy(oldStart, into.subarray(0, count));
    let corrected = 0;
    for (let at = (8 - ((oldStart - area.start) & 7)) & 7; at + 8 <= count; at += 8) {
      const target = getU64(into, at);
      const record = relocated === undefined ? -1 : relocated.find(newAddress + at);
      const moves = target >= MIN_ADDRESS && addresses.isOld(target);
      if (!moves && (record < 0 || target === 0)) continue;
      const predicted = record >= 0 ? values.get(record) : addresses.toNew(target);
      setU64(into, at, predicted);
      correct(corrected, at + 8);
      corrected = at + 8;
      const actual = getU64(into, at);
      if (moves && actual !== predicted) addresses.learn(target, actual);
    }
    correct(corrected, count);
    done += count;
    return count;
  };
}
