/**
 * Marks the offsets in Go's types (internal/abi/type.go). Types stand among names and no list has all of them: they are
 * known by what their common part must be.
 */
import { shiftAt } from './go-layout.ts';
import { FORM_ADDRESS, FORM_TEXT, FORM_TYPE, type GoMarks, type ModuleData } from './go-model.ts';
import type { ElfImage } from './image.ts';
import type { OldBytes } from './old-bytes.ts';

const TYPE_BYTES = 48;
const KIND_INTERFACE = 20;
const KIND_MAP = 21;
/** What follows the common part, in bytes, by kind; none for the others. Maps as Go 1.24 made them. */
const OWN_BYTES: Readonly<Record<number, number>> = {
  17: 24,
  18: 16,
  19: 8,
  20: 32,
  21: 64,
  22: 8,
  23: 8,
  25: 32,
};
/** A map's before Go 1.24. */
const MAP_BYTES = 40;
const MAX_KIND = 26;
const FLAG_UNCOMMON = 1;
/** No type has more methods. */
const MAX_METHODS = 1 << 14;
const MAX_LINKS = 1 << 20;
const MAX_ADDRESS = 2 ** 40;

export function markGoTypes(old: OldBytes, image: ElfImage, module: ModuleData, marks: GoMarks): void {
  const { types, typesEnd, typeLinks, typeLinkCount } = module;
  const linksShift = shiftAt(image, typeLinks);
  const links = linksShift === undefined ? 0 : Math.min(typeLinkCount, MAX_LINKS);
  for (let i = 0; i < links; i++) marks.mark(typeLinks + linksShift! + 4 * i, FORM_TYPE);
  const shift = shiftAt(image, types);
  if (shift === undefined) return;
  const start = types + shift;
  const end = Math.min(typesEnd + shift, old.sizeBytes);
  for (let at = start + (-start & 7); at + TYPE_BYTES <= end; at += 8) {
    if (!isType(old, at, start, end)) continue;
    // How values are compared and where pointers are: addresses that follow a byte other than 0.
    marks.mark(at + 24, FORM_ADDRESS);
    marks.mark(at + 32, FORM_ADDRESS);
    marks.mark(at + 40, FORM_TYPE);
    marks.mark(at + 44, FORM_TYPE);
    const own = at + TYPE_BYTES;
    const kind = old.u8(at + 23) & 31;
    if (kind === KIND_INTERFACE)
      markMethods(marks, old.u64(own + 8) + shift, old.u64(own + 16), 8, start, end);
    if ((old.u8(at + 20) & FLAG_UNCOMMON) === 0) continue;
    const isEarlierMap = kind === KIND_MAP && hasMethods(old, own + MAP_BYTES);
    const ownBytes = isEarlierMap ? MAP_BYTES : (OWN_BYTES[kind] ?? 0);
    const uncommon = own + ownBytes;
    if (!hasMethods(old, uncommon)) continue;
    marks.mark(uncommon, FORM_TYPE);
    markMethods(marks, uncommon + old.u32(uncommon + 8), old.u16(uncommon + 4), 16, start, end);
  }
}

/** Whether what stands at `at` has a kind, an alignment, addresses where types have them, and a name inside of the types. */
function isType(old: OldBytes, at: number, start: number, end: number): boolean {
  const kind = old.u8(at + 23) & 31;
  const align = old.u8(at + 21);
  if (kind === 0 || kind > MAX_KIND || align !== old.u8(at + 22)) return false;
  if (align === 0 || align > 8 || (align & (align - 1)) !== 0 || old.u64(at + 8) > old.u64(at)) return false;
  // A function to compare values with, or none, and a mask of pointers.
  const mask = old.u64(at + 32);
  if (old.u64(at + 24) >= MAX_ADDRESS || mask === 0 || mask >= MAX_ADDRESS) return false;
  const name = old.u32(at + 40);
  if (name === 0 || name >= end - start || old.u32(at + 44) >= end - start) return false;
  return old.u8(start + name) < 16 && old.u8(start + name + 1) !== 0;
}

/** Marks names and types of `count` methods, and where they have `bytes` for them, their two places in the code. */
function markMethods(
  marks: GoMarks,
  list: number,
  count: number,
  bytes: 8 | 16,
  start: number,
  end: number,
): void {
  if (count > MAX_METHODS || list < start || list + count * bytes > end) return;
  for (let method = list; method < list + count * bytes; method += bytes) {
    marks.mark(method, FORM_TYPE);
    marks.mark(method + 4, FORM_TYPE);
    if (bytes === 8) continue;
    marks.mark(method + 8, FORM_TEXT);
    marks.mark(method + 12, FORM_TEXT);
  }
}

/** Whether what stands at `at` can be what a type with methods has more than others. */
function hasMethods(old: OldBytes, at: number): boolean {
  const count = old.u16(at + 4);
  return old.u16(at + 6) <= count && old.u32(at + 8) >= 16 && old.u32(at + 12) === 0;
}
