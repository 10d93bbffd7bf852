/**
 * For the side that makes a patch: writes files so that references which prediction will get right look equal. Every
 * address in code and pointers is replaced by the old address of its target, in both files; matched like that, regions
 * follow the code rather than the distances in it.
 */

import type { RandomAccess } from '../../bytes/access.ts';
import type { Region } from '../../kernels/match.ts';
import { identityHashOf } from '../cds/identity.ts';
import type { CdsLayout } from '../cds/model.ts';
import { symbolPlaces } from '../cds/symbols.ts';
import {
  adrUnits,
  branchDistance,
  branchForm,
  isAdrp,
  isCall,
  offsetBase,
  offsetScale,
  offsetUnits,
  PAGE_BYTES,
  pageOf,
  withAdrUnits,
  withOffsetUnits,
  writtenRegister,
} from './a64.ts';
import { openAddresses } from './addresses.ts';
import { getI32, getU64, setI32, setU64 } from './bytes.ts';
import { findGoWords, type GoWords } from './go-words.ts';
import {
  type ElfImage,
  MACHINE_AARCH64,
  MACHINE_X86_64,
  TYPE_EXECUTABLE,
  TYPE_RELOCATABLE,
} from './image.ts';
import { type OldBytes, openOldBytes } from './old-bytes.ts';
import { parseElf } from './parse.ts';
import { buildRegionMap } from './region-map.ts';
import { targetOf } from './relative.ts';
import { decodeInstruction, MAX_INSTRUCTION_BYTES, newInstruction } from './x86-length.ts';

export interface ElfLabeller {
  /** Labels `bytes`, which stand at `start` of the old file, in place. */
  labelOld(start: number, bytes: Uint8Array): void;
  labelNew(start: number, bytes: Uint8Array): void;
}

/** `regions` are a first match of the two; undefined when they are not ELF files of one kind known here. */
export function openElfLabeller(
  old: RandomAccess,
  next: RandomAccess,
  regions: readonly Region[],
): ElfLabeller | undefined {
  const oldBytes = openOldBytes(old);
  const newBytes = openOldBytes(next);
  const before = parseElf(oldBytes);
  const after = parseElf(newBytes);
  if (before === undefined || after === undefined || before.machine !== after.machine) return undefined;
  // In what is still to be linked most references are zeros, equal as they are.
  if (before.type === TYPE_RELOCATABLE || after.type === TYPE_RELOCATABLE) return undefined;
  const addresses = openAddresses(before, buildRegionMap(regions, old.sizeBytes), old.sizeBytes);
  addresses.setNewLoads(after.loads);
  const isNew = openAddresses(after, buildRegionMap([], 0), 0).isOld;
  const oldLabel = (address: number) => (addresses.isOld(address) ? address : -1);
  const newLabel = (address: number) => {
    if (!isNew(address)) return -1;
    const label = addresses.toOld(address);
    return label >= 0 ? label : address + UNKNOWN;
  };
  const oldWords = findGoWords(oldBytes, before);
  const newWords = findGoWords(newBytes, after);
  return {
    labelOld: (start, bytes) => label(oldBytes, before, oldWords, start, bytes, oldLabel),
    labelNew: (start, bytes) => label(newBytes, after, newWords, start, bytes, newLabel),
  };
}

/** Set in labels of targets that have no old address. */
const UNKNOWN = 0x40000000;
const RUN_UP_BYTES = 64;

type LabelOf = (address: number) => number;

function label(
  file: OldBytes,
  image: ElfImage,
  words: GoWords | undefined,
  start: number,
  bytes: Uint8Array,
  labelOf: LabelOf,
): void {
  for (const area of image.areas) {
    const from = Math.max(area.start, start);
    const to = Math.min(area.end, start + bytes.length);
    if (from >= to || area.section === undefined) continue;
    const part = bytes.subarray(from - start, to - start);
    const absolute = image.type === TYPE_EXECUTABLE;
    const shift = area.section.address - area.section.offset;
    if (area.kind === 'code' && image.machine === MACHINE_X86_64)
      labelX86(file, area.start, from, part, shift, absolute, labelOf);
    else if (area.kind === 'code' && image.machine === MACHINE_AARCH64)
      labelArm64(file, from, part, shift, labelOf);
    else if (area.kind === 'pointers' || area.kind === 'cdsSpace' || (absolute && area.kind === 'readonly'))
      labelPointers(from, part, labelOf);
    else if (area.kind === 'cdsHeap') labelHeap(from, part, image.cds!.base, labelOf);
    if (area.kind === 'cdsSpace') labelSymbols(file, image.cds!, from, part);
    if (words !== undefined && area.kind === 'readonly') labelGoWords(file, words, from, part, labelOf);
  }
}

function labelGoWords(
  file: OldBytes,
  words: GoWords,
  start: number,
  bytes: Uint8Array,
  labelOf: LabelOf,
): void {
  for (let at = -start & 3; at + 4 <= bytes.length; at += 4) {
    const base = words.baseAt(start + at);
    if (base === undefined) continue;
    const target = targetOf(base, file.i32(start + at));
    const found = target < 0 ? -1 : labelOf(target);
    if (found >= 0) setI32(bytes, at, found | 0);
  }
}

function labelX86(
  file: OldBytes,
  areaStart: number,
  start: number,
  bytes: Uint8Array,
  shift: number,
  absolute: boolean,
  labelOf: LabelOf,
): void {
  const first = Math.max(areaStart, start - RUN_UP_BYTES);
  const code = new Uint8Array(start - first + bytes.length + MAX_INSTRUCTION_BYTES);
  file.copy(first, code);
  const lead = start - first;
  const stop = lead + bytes.length;
  const instruction = newInstruction();
  const set = (field: number, origin: number) => {
    const at = field - lead;
    if (at < 0 || at + 4 > bytes.length) return;
    const found = labelOf(origin + getI32(code, field));
    if (found >= 0) setI32(bytes, at, found | 0);
  };
  for (let at = 0; at < stop; at += instruction.length) {
    decodeInstruction(code, at, instruction);
    const next = first + at + instruction.length + shift;
    if (instruction.branchField >= 0 && instruction.branchBytes === 4)
      set(at + instruction.branchField, next);
    if (instruction.ripField >= 0) set(at + instruction.ripField, next);
    if (absolute && instruction.absoluteField >= 0) set(at + instruction.absoluteField, 0);
    if (absolute && instruction.immediateField >= 0) set(at + instruction.immediateField, 0);
  }
}

/** Calls, and pages with the offset added to them; other branches stay inside of functions and rarely change. */
function labelArm64(file: OldBytes, start: number, bytes: Uint8Array, shift: number, labelOf: LabelOf): void {
  for (let at = -start & 3; at + 4 <= bytes.length; at += 4) {
    const word = getI32(bytes, at);
    const place = start + at + shift;
    const form = branchForm(word);
    if (form !== undefined && isCall(form)) {
      const found = labelOf(place + branchDistance(word, form));
      if (found >= 0) setI32(bytes, at, (word & ~0x3ffffff) | ((found >> 2) & 0x3ffffff));
    } else if (isAdrp(word))
      labelPage(file, start, at, bytes, word, pageOf(place) + adrUnits(word) * PAGE_BYTES, labelOf);
  }
}

/** How far after an ADRP its offset is looked for, in instructions. */
const LOOK_AHEAD = 16;

function labelPage(
  file: OldBytes,
  start: number,
  at: number,
  bytes: Uint8Array,
  word: number,
  page: number,
  labelOf: LabelOf,
): void {
  const register = word & 31;
  for (let i = 1; i <= LOOK_AHEAD; i++) {
    const later = file.i32(start + at + 4 * i);
    const scale = offsetScale(later);
    if (scale >= 0 && offsetBase(later) === register) {
      const found = labelOf(page + offsetUnits(later) * 2 ** scale);
      if (found < 0) return;
      setI32(bytes, at, withAdrUnits(word, (found >> 12) & 0x7ffff)!);
      const field = at + 4 * i;
      if (field + 4 <= bytes.length) setI32(bytes, field, withOffsetUnits(later, (found & 0xfff) >> scale));
      return;
    }
    if (writtenRegister(later) === register) return;
  }
}

/** Leaves out the hashes of symbols, which are random. */
function labelSymbols(
  file: OldBytes,
  { core, symbolRegion }: CdsLayout,
  start: number,
  bytes: Uint8Array,
): void {
  const region = core[symbolRegion];
  if (region === undefined || region.offset + region.sizeBytes <= start) return;
  for (const place of symbolPlaces(file, region)) {
    const at = place + 2 - start;
    if (at >= bytes.length) return;
    // A typed array has no place below 0.
    bytes[at] = 0;
    bytes[at + 1] = 0;
  }
}

/** References in 4 bytes, and the class in each object's second word; its hash, which is random, is left out. */
function labelHeap(start: number, bytes: Uint8Array, base: number, labelOf: LabelOf): void {
  const set = (at: number, from: number) => {
    const word = getI32(bytes, at) >>> 0;
    const found = word === 0 ? -1 : labelOf(from + word);
    if (found >= 0) setI32(bytes, at, found | 0);
  };
  let isClass = false;
  for (let at = -start & 7; at + 8 <= bytes.length; at += 8) {
    const isObject = identityHashOf(getI32(bytes, at), getI32(bytes, at + 4)) !== 0;
    const pointer = getU64(bytes, at);
    const found = pointer < 2 ** 32 ? -1 : labelOf(pointer);
    if (isObject) setU64(bytes, at, 1);
    else if (found >= 0) setU64(bytes, at, found);
    else {
      set(at, isClass ? base : 0);
      set(at + 4, 0);
    }
    isClass = isObject;
  }
}

function labelPointers(start: number, bytes: Uint8Array, labelOf: LabelOf): void {
  for (let at = -start & 7; at + 8 <= bytes.length; at += 8) {
    const address = getU64(bytes, at);
    const found = address < 0x1000 ? -1 : labelOf(address);
    if (found >= 0) setU64(bytes, at, found);
  }
}
