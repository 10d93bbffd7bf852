/**
 * Predicts the relocations of a file that is still to be linked (System V ABI, "Relocation"): places count from the
 * section they change, addends of what stands in another section from that. In code, new ones follow the regions of
 * which the new code is made; in data they follow the old ones, and find their way again by what they refer to.
 */

import { getI32, setI32 } from './bytes.ts';
import { entryStepper } from './entries.ts';
import { type Area, MACHINE_X86_64, type Section } from './image.ts';
import type { Context, Piece, Stepper } from './piece.ts';
import { type Base, learnOffset, predictOffset } from './relative.ts';
import { MAX_RECORDS, type SortedRecords, sortedBy } from './tables.ts';

const ENTRY_BYTES = 24;
const SYMBOL_BYTES = 24;
const TYPE_SECTION = 3;
/** x86-64's, relative to the place itself: in code their field ends an instruction as a rule, 4 bytes on. */
const PC32 = 2;
const PLT32 = 4;

/** Regions of code without a place to change that are passed by in search of the next one. */
const MAX_EMPTY_REGIONS = 16;

export function objectRelocationStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, image, tables } = context;
  const { sections, machine } = image;
  const changed = sections[area.section?.info ?? 0];
  const symbols = sections[area.section?.link ?? 0];
  const inCode = changed?.executable === true;
  const records = openRecords(context, area, changed);
  let cursor = -1;
  /** The place before in the new section; the old record it was paired with, or -1. */
  let before = { place: -1, record: -1 };

  /** What an old symbol counts from, if it stands for a section. */
  const baseOf = (symbol: number): Base | undefined => {
    if (symbols?.kind !== 'symbols') return undefined;
    const from = symbols.offset + symbol * SYMBOL_BYTES;
    if ((old.u8(from + 4) & 15) !== TYPE_SECTION) return undefined;
    return context.sectionBases[old.u16(from + 6)];
  };

  return entryStepper(context, piece, area, ENTRY_BYTES, (draft, start, index) => {
    const { bytes } = draft;
    if (cursor < 0) cursor = index;
    const next = inCode ? records.nextInCode(before.place) : undefined;
    let record = next?.record ?? cursor;
    const oldPlace = records.placeOf(record);
    // In data, one after the other, as far apart as they were.
    const follows = !inCode && before.record >= 0;
    const expected = follows
      ? before.place + oldPlace - records.placeOf(before.record)
      : (next?.place ?? records.toNewPlace(oldPlace));
    old.copy(records.at(record), bytes.subarray(start, start + ENTRY_BYTES));
    setI32(bytes, start, expected);
    draft.fixTo(start + 8);
    const place = getI32(bytes, start) >>> 0;
    let paired = record < records.count;
    if (inCode && place !== expected >>> 0) {
      const found = records.findPlace(place);
      paired = found >= 0;
      if (paired) record = found;
    }
    const from = records.at(record);
    old.copy(from + 8, bytes.subarray(start + 8, start + ENTRY_BYTES));
    const symbol = old.u32(from + 12);
    const moved = tables.newSymbols.get(symbol);
    setI32(bytes, start + 12, moved > 0 ? moved - 1 : symbol);
    draft.fixTo(start + 16);
    const base = baseOf(symbol);
    const type = old.u32(from + 8);
    const bias = machine === MACHINE_X86_64 && inCode && (type === PC32 || type === PLT32) ? 4 : 0;
    const target = old.i32(from + 16) + bias;
    const predicted = base === undefined ? target : predictOffset(context.addresses, base, target);
    setI32(bytes, start + 16, predicted - bias);
    draft.fixTo(start + ENTRY_BYTES);
    const actual = (getI32(bytes, start + 16) + bias) | 0;
    if (!inCode && base !== undefined && actual !== predicted) {
      const found = records.findTarget(base, actual, cursor);
      paired = found >= 0;
      if (paired) record = found;
    } else if (paired && base !== undefined) learnOffset(context.addresses, base, target, predicted, actual);
    if (paired) cursor = record + 1;
    before = { place, record: paired ? record : -1 };
  });
}

/** The old records of one table, found by what they say. */
function openRecords(
  { old, addresses, map, sectionBases }: Context,
  area: Area,
  changed: Section | undefined,
) {
  const count = Math.floor((area.end - area.start) / ENTRY_BYTES);
  const indexed = Math.min(MAX_RECORDS, count);
  const base = changed && sectionBases[changed.index];
  const at = (record: number) => area.start + record * ENTRY_BYTES;
  const placeOf = (record: number) => old.u32(at(record));
  const targetOf = (record: number) => old.u32(at(record) + 16);
  /** Where a section begins in the new file. */
  const startOf = ({ address, drift }: Base) => addresses.toNewByMap(address) - drift;
  let places: SortedRecords | undefined;
  let targets: SortedRecords | undefined;
  const byPlace = () => {
    places ??= sortedBy(indexed, placeOf);
    return places;
  };
  return {
    count,
    at,
    placeOf,
    toNewPlace: (place: number) => (base === undefined ? place : predictOffset(addresses, base, place)),
    /** The record whose place is now `place`, or -1. */
    findPlace(place: number): number {
      const offset = base === undefined ? -1 : addresses.toOld(startOf(base) + place);
      return offset < 0 ? -1 : byPlace().find(offset - base!.address);
    },
    /** The record that comes first behind the new place `place` in the order of the new code, and its new place. */
    nextInCode(place: number): { record: number; place: number } | undefined {
      if (base === undefined) return undefined;
      const { order, firstNotBelow } = byPlace();
      const start = startOf(base);
      let next = start + place + 1;
      for (let tries = 0; tries < MAX_EMPTY_REGIONS; tries++) {
        const region = map.regionAfter(next);
        if (region === undefined) return undefined;
        const shift = region.oldStart - region.newStart - base.address;
        const rank = firstNotBelow(Math.max(next, region.newStart) + shift);
        next = region.newStart + region.length;
        if (rank >= indexed) continue;
        const record = order[rank]!;
        if (placeOf(record) < next + shift) return { record, place: placeOf(record) - shift - start };
      }
      return undefined;
    },
    /** The record, from number `least` on if there is one, whose addend from `from` is now `target`; or -1. */
    findTarget(from: Base, target: number, least: number): number {
      targets ??= sortedBy(indexed, targetOf);
      const offset = addresses.toOld(startOf(from) + (target >>> 0));
      return offset < 0 ? -1 : targets.findFrom(offset - from.address, least);
    },
  };
}
