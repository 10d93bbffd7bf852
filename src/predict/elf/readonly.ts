/**
 * Predicts read-only data: tables of 4-byte distances to code, as compilers make them for `switch` (they begin where
 * some instruction takes an address), and 8-byte addresses in executables that are not position-independent.
 */

import { getI32, getU64, setI32, setU64 } from './bytes.ts';
import { type Area, TYPE_EXECUTABLE } from './image.ts';
import { type Context, type Piece, STEP_BYTES, type Stepper } from './piece.ts';
import { learnOffset, predictOffset } from './relative.ts';
import type { TakenOffsets } from './taken.ts';

/** A piece that begins inside of a table looks back so far for its beginning. */
const MAX_LOOK_BACK_BYTES = 1 << 12;
const MIN_ADDRESS = 0x1000;

export function readonlyStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses, image, taken, goWords } = context;
  const absolute = image.type === TYPE_EXECUTABLE;
  const shift = area.section!.address - area.section!.offset;
  const newShift = addresses.newAddress(piece.newStart) - piece.newStart + piece.newStart - piece.oldStart;
  const isTarget = (table: number, place: number) =>
    addresses.oldSection(table + shift + old.i32(place))?.executable === true;
  const beginsTable = (place: number) =>
    taken.isTaken(place) && isTarget(place, place) && isTarget(place, place + 4);
  let table = findTableBefore(piece, area.start, beginsTable, isTarget, taken);
  let done = 0;
  return (into, correct) => {
    const from = piece.oldStart + done;
    const left = piece.length - done;
    let count = Math.min(left, STEP_BYTES);
    // Steps end between 8-byte words.
    if (count < left) count -= (from + count) & 7;
    old.copy(from, into.subarray(0, count));
    let corrected = 0;
    for (let at = -from & 3; at + 4 <= count; at += 4) {
      const place = from + at;
      const base = goWords?.baseAt(place);
      if (base !== undefined) {
        const predicted = predictOffset(addresses, base, getI32(into, at));
        setI32(into, at, predicted);
        correct(corrected, at + 4);
        corrected = at + 4;
        learnOffset(addresses, base, old.i32(place), predicted, getI32(into, at));
        continue;
      }
      if (taken.isTaken(place)) table = beginsTable(place) ? place : -1;
      if (table >= 0) {
        const target = table + shift + getI32(into, at);
        if (addresses.oldSection(target)?.executable === true) {
          const newTable = table >= piece.oldStart ? table + newShift : addresses.toNewByMap(table + shift);
          const predicted = (addresses.toNew(target) - newTable) | 0;
          setI32(into, at, predicted);
          correct(corrected, at + 4);
          corrected = at + 4;
          const actual = getI32(into, at);
          if (actual !== predicted) addresses.learn(target, newTable + actual);
          continue;
        }
        table = -1;
      }
      // Addresses have zeros on top; what follows another byte is the end of a text.
      if (!absolute || (place & 7) !== 0 || at + 8 > count || old.u8(place - 1) !== 0) continue;
      const target = getU64(into, at);
      if (target < MIN_ADDRESS || !addresses.isOld(target)) continue;
      const predicted = addresses.toNew(target);
      setU64(into, at, predicted);
      correct(corrected, at + 8);
      corrected = at + 8;
      const actual = getU64(into, at);
      if (actual !== predicted) addresses.learn(target, actual);
      at += 4;
    }
    correct(corrected, count);
    done += count;
    return count;
  };
}

/** The beginning of the table that goes on where the piece begins, or -1. */
function findTableBefore(
  piece: Piece,
  areaStart: number,
  beginsTable: (place: number) => boolean,
  isTarget: (table: number, place: number) => boolean,
  taken: TakenOffsets,
): number {
  const start = piece.oldStart;
  // No further than the piece is long, so that all look-backs together take no longer than the pieces.
  const first = Math.max(areaStart, start - Math.min(piece.length, MAX_LOOK_BACK_BYTES));
  let table = start - (start & 3);
  while (table > first && !taken.isTaken(table)) table -= 4;
  if (table <= first || !beginsTable(table)) return -1;
  for (let place = table; place < start; place += 4) if (!isTarget(table, place)) return -1;
  return table;
}
