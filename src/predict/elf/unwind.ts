/**
 * Predicts unwind tables (Linux Standard Base, "Exception Frames"): .eh_frame_hdr from the old one, function by
 * function, and then .eh_frame, whose records' places and functions the true .eh_frame_hdr tells. Every function is
 * paired with its old self, so that a record is predicted from the record it was before.
 */

import { getI32, setI32 } from './bytes.ts';
import { startDraft } from './entries.ts';
import { type Area, EH_FRAME_HEADER_ENCODING } from './image.ts';
import { type Context, copyStepper, type Piece, STEP_BYTES, type Stepper } from './piece.ts';
import { MAX_RECORDS, type SortedRecords, sortedBy } from './tables.ts';

const HEADER_BYTES = 12;
const ENTRY_BYTES = 8;
/** How many records up and down are asked how far they moved. */
const NEIGHBOURS = 16;

export function unwindHeaderStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses, tables } = context;
  const count = Math.min(
    old.u32(area.start + 8),
    Math.floor((area.end - area.start - HEADER_BYTES) / ENTRY_BYTES),
  );
  const common = old.u32(area.start) === EH_FRAME_HEADER_ENCODING && count <= MAX_RECORDS;
  if (piece.oldStart !== area.start || piece.length < HEADER_BYTES || !common)
    return copyStepper(context, piece);
  const oldBase = area.section!.address;
  const newBase = addresses.newAddress(piece.newStart);
  const functionOf = (i: number) => oldBase + old.i32(area.start + HEADER_BYTES + i * ENTRY_BYTES);
  const recordOf = (i: number) => oldBase + old.i32(area.start + HEADER_BYTES + 4 + i * ENTRY_BYTES);
  const functions = sortedBy(count, functionOf);
  const records = sortedBy(count, recordOf);
  const rankOf = new Int32Array(count);
  for (let rank = 0; rank < count; rank++) rankOf[records.order[rank]!] = rank;
  /** By rank among the records: how far it moved; NaN where not known. */
  const shifts = new Float64Array(count).fill(Number.NaN);
  const draft = startDraft();
  let cursor = 0;
  let lastShift = newBase - oldBase;
  let done = 0;

  const shiftNear = (entry: number): number => {
    const rank = rankOf[entry]!;
    for (let away = 1; away <= NEIGHBOURS; away++) {
      if (rank >= away && !Number.isNaN(shifts[rank - away]!)) return shifts[rank - away]!;
    }
    for (let away = 1; away <= NEIGHBOURS; away++) {
      if (rank + away < count && !Number.isNaN(shifts[rank + away]!)) return shifts[rank + away]!;
    }
    return Number.NaN;
  };
  const predictEntry = (bytes: Uint8Array, at: number) => {
    let entry = Math.min(cursor, count - 1);
    let paired = cursor < count;
    const expected = (addresses.toNew(functionOf(entry)) - newBase) | 0;
    setI32(bytes, at, expected);
    draft.fixTo(at + 4);
    const place = getI32(bytes, at);
    if (place !== expected) {
      const found = functions.find(addresses.toOld(newBase + place));
      if (found >= 0) entry = found;
      else paired = entry < count && Math.abs(place - expected) < 16 && paired;
    }
    const near = count > 0 ? shiftNear(entry) : Number.NaN;
    const mapped = addresses.toNewByMap(recordOf(entry)) - recordOf(entry);
    const shift = !Number.isNaN(near) ? near : Number.isNaN(lastShift) ? mapped : lastShift;
    setI32(bytes, at + 4, recordOf(entry) + shift - newBase);
    draft.fixTo(at + 8);
    const record = newBase + getI32(bytes, at + 4);
    if (paired) {
      shifts[rankOf[entry]!] = lastShift = record - recordOf(entry);
      if (place !== expected) addresses.learn(functionOf(entry), newBase + place);
      cursor = entry + 1;
    }
    tables.unwind.records.push(record);
    tables.unwind.functions.push(newBase + place);
    tables.unwind.old.push(paired ? entry + 1 : 0);
  };

  return (into, correct) => {
    draft.begin(into, correct);
    let at = 0;
    const size = Math.min(
      piece.length - done,
      STEP_BYTES - ENTRY_BYTES + (done === 0 ? HEADER_BYTES % ENTRY_BYTES : 0),
    );
    old.copy(piece.oldStart + done, into.subarray(0, size));
    if (done === 0) {
      const frame = oldBase + 4 + old.i32(area.start + 4);
      setI32(into, 4, addresses.toNewByMap(frame) - newBase - 4);
      draft.fixTo(HEADER_BYTES);
      at = HEADER_BYTES;
    }
    if (count > 0) for (; at + ENTRY_BYTES <= size; at += ENTRY_BYTES) predictEntry(into, at);
    draft.fixTo(size);
    done += size;
    return size;
  };
}

/** Records are rarely longer; longer ones are copied. */
const MAX_RECORD_BYTES = 1 << 12;
/** Pairs of common records (CIEs) kept. */
const MAX_COMMON = 1 << 12;

export function unwindStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses, tables, image } = context;
  const { unwind } = tables;
  const header = image.areas.find((each) => each.kind === 'ehFrameHeader');
  if (piece.oldStart !== area.start || unwind.records.length === 0 || header === undefined)
    return copyStepper(context, piece);
  const oldEntryAt = header.start + HEADER_BYTES;
  const headerBase = header.section!.address;
  const oldBase = area.section!.address;
  const newBase = addresses.newAddress(piece.newStart);
  const entries: SortedRecords = sortedBy(unwind.records.length, (i) => unwind.records.get(i));
  const total = unwind.records.length;
  /** Old offset in the section of a common record → its new one. */
  const common = new Map<number, number>();
  const draft = startDraft();
  /** Old record that follows the one predicted last. */
  let next = 0;
  let rank = 0;
  let done = 0;
  /** Bytes to copy before the next record. */
  let skip = 0;

  const moveTo = (bytes: Uint8Array, at: number, target: number, oldField: number, newField: number) => {
    if (addresses.isOld(target) && target !== oldField) setI32(bytes, at, addresses.toNew(target) - newField);
  };

  /** Predicts the record at `start` of the step, `place` of the section; answers its length, or 0 if it has none. */
  const predictRecord = (bytes: Uint8Array, start: number, place: number, room: number): number => {
    while (rank < total && unwind.records.get(entries.order[rank]!) < newBase + place) rank++;
    const listed = rank < total && unwind.records.get(entries.order[rank]!) === newBase + place;
    const entry = listed ? entries.order[rank]! : -1;
    const pair = listed ? unwind.old.get(entry) : 0;
    let from = next;
    if (pair > 0) from = headerBase + old.i32(oldEntryAt + (pair - 1) * ENTRY_BYTES + 4) - oldBase;
    const oldRecord = area.start + from;
    let length = from >= 0 && from < area.end - area.start ? old.u32(oldRecord) : 0;
    const following = listed && rank + 1 < total ? unwind.records.get(entries.order[rank + 1]!) : 0;
    const distance = following - newBase - place - 4;
    const followedByFunction = old.i32(oldRecord + 4 + length + 4) !== 0;
    if (followedByFunction && distance > 0 && distance < MAX_RECORD_BYTES) length = distance;
    setI32(bytes, start, length);
    draft.fixTo(start + 4);
    const actual = getI32(bytes, start);
    if (actual < 8 || actual + 4 > Math.min(room, MAX_RECORD_BYTES)) return 0;
    const oldLength = old.u32(oldRecord);
    const body = bytes.subarray(start + 4, start + 4 + actual);
    old.copy(oldRecord + 4, body);
    if (oldLength < actual) body.fill(0, Math.max(0, oldLength));
    const kind = old.i32(oldRecord + 4);
    if (kind === 0 && !listed) predictCommon(bytes, start, oldRecord, from, place);
    else predictFunction(bytes, start, oldRecord, from, place, entry, actual);
    draft.fixTo(start + 4 + actual);
    if (kind === 0 && !listed && getI32(bytes, start + 4) === 0 && common.size < MAX_COMMON)
      common.set(from, place);
    if (pair > 0 || !listed) next = from + 4 + oldLength;
    return 4 + actual;
  };
  const predictCommon = (
    bytes: Uint8Array,
    start: number,
    oldRecord: number,
    from: number,
    place: number,
  ) => {
    // "zP…": the personality routine's address stands after the alignment factors and its encoding.
    if (old.u16(oldRecord + 9) !== 0x507a) return;
    let field = 9;
    while (field < 16 && old.u8(oldRecord + field) !== 0) field++;
    field += 6;
    const target = oldBase + from + field + old.i32(oldRecord + field);
    moveTo(bytes, start + field, target, 0, newBase + place + field);
  };
  const predictFunction = (
    bytes: Uint8Array,
    start: number,
    oldRecord: number,
    from: number,
    place: number,
    entry: number,
    length: number,
  ) => {
    const oldCommon = from + 4 - old.i32(oldRecord + 4);
    const newCommon = common.get(oldCommon);
    setI32(bytes, start + 4, newCommon === undefined ? old.i32(oldRecord + 4) : place + 4 - newCommon);
    if (length < 12) return;
    const oldFunction = oldBase + from + 8 + old.i32(oldRecord + 8);
    const newFunction = entry >= 0 ? unwind.functions.get(entry) : addresses.toNew(oldFunction);
    setI32(bytes, start + 8, newFunction - (newBase + place + 8));
    if (length < 16) return;
    const size = old.u32(oldRecord + 12);
    setI32(bytes, start + 12, context.movedSize(oldFunction, size));
    if (length < 20 || old.u8(oldRecord + 16) !== 4 || old.i32(oldRecord + 17) === 0) return;
    const target = oldBase + from + 17 + old.i32(oldRecord + 17);
    moveTo(bytes, start + 17, target, oldBase + from + 17, newBase + place + 17);
  };

  return (into, correct) => {
    draft.begin(into, correct);
    let at = 0;
    while (at < STEP_BYTES && done + at < piece.length) {
      const left = piece.length - done - at;
      if (skip > 0) {
        const count = Math.min(skip, left, STEP_BYTES - at);
        old.copy(area.start + next, into.subarray(at, at + count));
        at += count;
        next += count;
        skip -= count;
        draft.fixTo(at);
        continue;
      }
      if (left < 8) {
        old.copy(area.start + next, into.subarray(at, at + left));
        at += left;
        break;
      }
      if (at + MAX_RECORD_BYTES + 4 > STEP_BYTES) break;
      const count = predictRecord(into, at, done + at, left);
      if (count === 0) {
        at += 4;
        next += 4;
        skip = Math.min(left - 4, Math.max(0, getI32(into, at - 4)));
      } else at += count;
    }
    draft.fixTo(at);
    done += at;
    return at;
  };
}
