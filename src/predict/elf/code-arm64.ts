/**
 * Predicts AArch64 code: branches and literal loads, and addresses made of a page (ADRP) and an offset that a later
 * instruction adds. Instructions stand at multiples of four bytes.
 */
import {
  adrUnits,
  branchDistance,
  branchForm,
  isAdr,
  isAdrp,
  isCall,
  offsetBase,
  offsetScale,
  offsetUnits,
  PAGE_BYTES,
  pageOf,
  withAdrUnits,
  withBranchDistance,
  withOffsetUnits,
  writtenRegister,
} from './a64.ts';
import { getI32, setI32 } from './bytes.ts';
import { type Context, type Piece, STEP_BYTES, type Stepper } from './piece.ts';

/** How far after an ADRP its offset is looked for, in instructions. */
const LOOK_AHEAD = 16;
/** For so many bytes a register is believed to hold the page that was put in it. */
const PAGE_LIFE_BYTES = 256;

export function arm64Stepper(context: Context, piece: Piece, areaStart: number): Stepper {
  const { old, addresses, taken } = context;
  const lead = Math.min(piece.length, -(piece.oldStart - areaStart) & 3);
  /** By register: the page it holds in the old file and in the new one, and the old offset of the ADRP. */
  const oldPages = new Float64Array(32);
  const newPages = new Float64Array(32);
  const setAt = new Float64Array(32).fill(Number.NEGATIVE_INFINITY);
  let done = 0;

  /** The address that an ADRP is the beginning of: its page and the first offset added to it. */
  const findTarget = (word: number, offset: number, page: number): number => {
    const register = word & 31;
    for (let i = 1; i <= LOOK_AHEAD; i++) {
      const later = old.i32(offset + 4 * i);
      const scale = offsetScale(later);
      if (scale >= 0 && offsetBase(later) === register) return page + offsetUnits(later) * 2 ** scale;
      if (writtenRegister(later) === register) break;
    }
    return page;
  };

  return (into, correct) => {
    const left = piece.length - done;
    let count = Math.min(left, STEP_BYTES);
    if (done < lead) count = lead;
    else if (left >= 4) count -= count & 3;
    const from = piece.oldStart + done;
    old.copy(from, into.subarray(0, count));
    const oldBase = addresses.oldAddress(from);
    const newBase = addresses.newAddress(piece.newStart + done);
    let corrected = 0;
    const fix = (end: number): number => {
      correct(corrected, end);
      corrected = end;
      return getI32(into, end - 4);
    };

    const predictBranch = (word: number, at: number): void => {
      const form = branchForm(word)!;
      const target = oldBase + at + branchDistance(word, form);
      if (!addresses.isOld(target)) return;
      const expected = addresses.toNew(target) - newBase - at;
      const moved = withBranchDistance(word, form, expected);
      if (moved !== undefined) setI32(into, at, moved);
      if (!isCall(form)) return;
      const actual = fix(at + 4);
      const distance = branchDistance(actual, form);
      if (branchForm(actual) === form && distance !== expected)
        addresses.learn(target, newBase + at + distance);
    };
    const predictAdr = (word: number, at: number): void => {
      const target = oldBase + at + adrUnits(word);
      if (!addresses.isOld(target)) return;
      const moved = withAdrUnits(word, addresses.toNew(target) - newBase - at);
      if (moved !== undefined) setI32(into, at, moved);
      taken.take(addresses.oldOffset(target));
    };
    const predictPage = (word: number, at: number): void => {
      const page = pageOf(oldBase + at) + adrUnits(word) * PAGE_BYTES;
      const target = findTarget(word, from + at, page);
      const newPlace = pageOf(newBase + at);
      if (addresses.isOld(target)) {
        const moved = withAdrUnits(word, (pageOf(addresses.toNew(target)) - newPlace) / PAGE_BYTES);
        if (moved !== undefined) setI32(into, at, moved);
      }
      const actual = fix(at + 4);
      if (!isAdrp(actual)) return;
      oldPages[word & 31] = page;
      newPages[word & 31] = newPlace + adrUnits(actual) * PAGE_BYTES;
      setAt[word & 31] = from + at;
    };
    const predictOffset = (word: number, at: number, scale: number): void => {
      const register = offsetBase(word);
      if (from + at - setAt[register]! > PAGE_LIFE_BYTES) return;
      const target = oldPages[register]! + offsetUnits(word) * 2 ** scale;
      if (!addresses.isOld(target)) return;
      const offset = addresses.toNew(target) - newPages[register]!;
      const fits = offset >= 0 && offset < PAGE_BYTES && offset % 2 ** scale === 0;
      if (fits) setI32(into, at, withOffsetUnits(word, offset / 2 ** scale));
      const actual = fix(at + 4);
      if (offsetScale(actual) !== scale) return;
      const found = offsetUnits(actual) * 2 ** scale;
      if (found !== offset) addresses.learn(target, newPages[register]! + found);
      if (scale === 0) taken.take(addresses.oldOffset(target));
    };

    if (done >= lead) {
      for (let at = 0; at + 4 <= count; at += 4) {
        const word = getI32(into, at);
        if (branchForm(word) !== undefined) predictBranch(word, at);
        else if (isAdrp(word)) predictPage(word, at);
        else if (isAdr(word)) predictAdr(word, at);
        else {
          const scale = offsetScale(word);
          if (scale >= 0) predictOffset(word, at, scale);
          const written = writtenRegister(word);
          if (written >= 0) setAt[written] = Number.NEGATIVE_INFINITY;
        }
      }
    }
    if (count > corrected) correct(corrected, count);
    done += count;
    return count;
  };
}
