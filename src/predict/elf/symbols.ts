/**
 * Predicts symbol tables (System V ABI, "Symbol Table"): each new symbol from the old one of the same name, which
 * .gnu.hash tells for dynamic symbols, else the old order and the place of the true name among the old names.
 */

import { getI32, getU64, setI32, setU64 } from './bytes.ts';
import { entryStepper } from './entries.ts';
import { type Area, TYPE_RELOCATABLE } from './image.ts';
import type { Context, Piece, Stepper } from './piece.ts';
import { learnOffset, predictOffset } from './relative.ts';
import { MAX_RECORDS, type SortedRecords, sortedBy } from './tables.ts';

const ENTRY_BYTES = 24;
const TYPE_THREAD_LOCAL = 6;
const DYNAMIC = 11;
const FIRST_RESERVED_SECTION = 0xff00;

export function symbolStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses, tables, map } = context;
  const linked = context.image.type !== TYPE_RELOCATABLE;
  const dynamic = area.section?.type === DYNAMIC;
  const names = context.image.sections[area.section?.link ?? 0];
  const namesStart = names?.offset ?? 0;
  const newNamesStart = map.toNew(namesStart);
  const count = Math.floor((area.end - area.start) / ENTRY_BYTES);
  const recordAt = (record: number) => area.start + record * ENTRY_BYTES;
  const nameOf = (record: number) => old.u32(recordAt(record));
  /** Old section number → new. */
  const sectionNumbers = new Map<number, number>();
  const whole = piece.oldStart === area.start;
  let byName: SortedRecords | undefined;
  let cursor = -1;

  return entryStepper(context, piece, area, ENTRY_BYTES, (draft, start, index, newOffset) => {
    const { bytes } = draft;
    const number = whole ? (newOffset - piece.newStart) / ENTRY_BYTES : -1;
    if (cursor < 0) cursor = index;
    const known = dynamic && number < tables.oldSymbols.length ? tables.oldSymbols.get(number) : 0;
    let record = known > 0 ? known : cursor;
    let paired = known >= 0 && record < count;
    const name = nameOf(record);
    const expected = name === 0 ? 0 : (map.toNew(namesStart + name) - newNamesStart) | 0;
    setI32(bytes, start, expected);
    draft.fixTo(start + 4);
    const trueName = getI32(bytes, start);
    if (trueName !== expected && known === 0) {
      byName ??= sortedBy(Math.min(MAX_RECORDS, count), nameOf);
      const found = byName.findFrom(map.toOld(newNamesStart + (trueName >>> 0)) - namesStart, cursor);
      paired = found >= 0;
      if (paired) record = found;
    }
    const from = recordAt(record);
    const section = old.u16(from + 6);
    const type = old.u8(from + 4) & 15;
    const base = context.sectionBases[section];
    const value = old.u64(from + 8);
    const size = old.u64(from + 16);
    bytes[start + 4] = old.u8(from + 4);
    bytes[start + 5] = old.u8(from + 5);
    const newSection = sectionNumbers.get(section) ?? section;
    bytes[start + 6] = newSection;
    bytes[start + 7] = newSection >> 8;
    draft.fixTo(start + 8);
    const trueSection = bytes[start + 6]! | (bytes[start + 7]! << 8);
    if (trueSection !== newSection && paired) sectionNumbers.set(section, trueSection);
    const placed = section !== 0 && section < FIRST_RESERVED_SECTION && type !== TYPE_THREAD_LOCAL;
    const moves = placed && (linked ? addresses.isOld(value) : base !== undefined && value < 2 ** 32);
    const moved = !moves
      ? value
      : base
        ? predictOffset(addresses, base, value) >>> 0
        : addresses.toNew(value);
    setU64(bytes, start + 8, moved);
    draft.fixTo(start + 16);
    const trueValue = getU64(bytes, start + 8);
    setU64(bytes, start + 16, moves ? context.movedSize(value + (base?.address ?? 0), size) : size);
    if (!paired) return;
    if (moves && base) learnOffset(addresses, base, value, moved, trueValue);
    else if (moves && addresses.toNew(value) !== trueValue) addresses.learn(value, trueValue);
    if (dynamic || !linked) {
      tables.newSymbols.set(record, number + 1);
      tables.oldSymbols.set(number, record);
    }
    cursor = record + 1;
  });
}
