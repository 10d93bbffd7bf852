/**
 * Predicts relocations with addends (System V ABI, "Relocation"): each new one from the old one that follows the last,
 * with its place, symbol and addend moved; where the true place is another, from the old one that has that place.
 */

import { getI32, getU64, setI32, setU64 } from './bytes.ts';
import { entryStepper } from './entries.ts';
import { type Area, MACHINE_AARCH64 } from './image.ts';
import type { Context, Piece, Stepper } from './piece.ts';
import { MAX_RECORDS, type SortedRecords, sortedBy } from './tables.ts';

const ENTRY_BYTES = 24;

export function relocationStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses, tables } = context;
  const arm = context.image.machine === MACHINE_AARCH64;
  const relative = arm ? 1027 : 8;
  const indirect = arm ? 1032 : 37;
  const jumpSlot = arm ? 1026 : 7;
  const count = Math.floor((area.end - area.start) / ENTRY_BYTES);
  const indexed = Math.min(MAX_RECORDS, count);
  const at = (record: number) => area.start + record * ENTRY_BYTES;
  const placeOf = (record: number) => old.u64(at(record));
  let byPlace: SortedRecords | undefined;
  let bySymbol: SortedRecords | undefined;
  let cursor = -1;
  /** Old place and new place of the record before. */
  let before = { old: 0, now: 0 };

  return entryStepper(context, piece, area, ENTRY_BYTES, (draft, start, index, newOffset) => {
    const { bytes } = draft;
    if (cursor < 0) cursor = index;
    let record = cursor;
    let paired = record < count;
    const type = paired ? old.u32(at(record) + 8) : relative;
    let place = placeOf(record);
    const sequel = type === jumpSlot && before.old !== 0 && place - before.old === 8;
    const expected = !paired ? before.now + 8 : sequel ? before.now + 8 : addresses.toNew(place);
    setU64(bytes, start, expected);
    draft.fixTo(start + 8);
    const truePlace = getU64(bytes, start);
    if (truePlace !== expected && !sequel) {
      byPlace ??= sortedBy(indexed, placeOf);
      const found = byPlace.find(addresses.toOld(truePlace));
      paired = found >= 0;
      if (paired) record = found;
      place = placeOf(record);
    }
    const symbol = old.u32(at(record) + 12);
    setI32(bytes, start + 8, old.i32(at(record) + 8));
    setI32(bytes, start + 12, movedSymbol(context, symbol));
    draft.fixTo(start + 16);
    const trueType = getI32(bytes, start + 8) >>> 0;
    const trueSymbol = getI32(bytes, start + 12) >>> 0;
    if (trueSymbol !== 0 && trueSymbol !== movedSymbol(context, symbol)) {
      // Another symbol's: the old relocation of that symbol goes on from here.
      const oldSymbol = trueSymbol < tables.oldSymbols.length ? tables.oldSymbols.get(trueSymbol) : -1;
      bySymbol ??= sortedBy(
        indexed,
        (each) => old.u32(at(each) + 12) * 2 ** 12 + (old.u32(at(each) + 8) & 0xfff),
      );
      const found = oldSymbol > 0 ? bySymbol.find(oldSymbol * 2 ** 12 + (trueType & 0xfff)) : -1;
      paired = found >= 0;
      if (paired) record = found;
      place = placeOf(record);
    }
    const addend = old.u64(at(record) + 16);
    const moves = trueType === relative || trueType === indirect;
    const value = moves && addresses.isOld(addend) ? addresses.toNew(addend) : addend;
    // Negative addends don't fit a number; they stay.
    old.copy(at(record) + 16, bytes.subarray(start + 16, start + ENTRY_BYTES));
    if (value !== addend) setU64(bytes, start + 16, value);
    draft.fixTo(start + ENTRY_BYTES);
    const written = getU64(bytes, start + 16);
    if (paired) {
      if (moves && written !== value && addresses.isOld(addend)) addresses.learn(addend, written);
      if (addresses.isOld(place) && addresses.toNew(place) !== truePlace) addresses.learn(place, truePlace);
      cursor = record + 1;
    }
    if (trueType === jumpSlot && piece.oldStart === area.start)
      tables.oldSlots.set((newOffset - piece.newStart) / ENTRY_BYTES, paired ? record + 1 : 0);
    if (trueType === relative) {
      tables.relocated.places.push(truePlace);
      tables.relocated.values.push(written);
    }
    before = { old: paired ? place : 0, now: truePlace };
  });
}

function movedSymbol(context: Context, symbol: number): number {
  if (symbol === 0) return 0;
  const moved = context.tables.newSymbols.get(symbol);
  return moved > 0 ? moved - 1 : symbol;
}
