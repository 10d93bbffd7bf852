/**
 * Which words of read-only data are offsets in an executable that Go's linker made, and from where they count: those of
 * its function tables (runtime/symtab.go, "pclntab", of Go 1.18 and 1.20) and of its types (internal/abi/type.go).
 * Everything is read from the old file, once; whatever it claims is compared with where its sections end.
 */
import type { Addresses } from './addresses.ts';
import { shiftAt } from './go-layout.ts';
import {
  FORM_ADDRESS,
  FORM_FILE,
  FORM_FUNCTION,
  FORM_FUNCTION_DATA,
  FORM_NAME,
  FORM_PROGRAM,
  FORM_READONLY,
  FORM_TEXT,
  FORM_TYPE,
  FORM_UNIT,
  type FunctionTables,
  type GoMarks,
  type ModuleData,
} from './go-model.ts';
import { markGoTypes } from './go-types.ts';
import type { Area, ElfImage } from './image.ts';
import type { OldBytes } from './old-bytes.ts';

/** Where the offsets in words of one form count from, and how many bytes one of them is. */
export interface GoBase {
  readonly address: number;
  readonly unitBytes: number;
  /** By how much new words are higher than the map says, in units, and by how much the last one was not as expected. */
  drift: number;
  missed: number;
}

/** The words known to be offsets. */
export interface GoWords {
  /** What the word at a file offset counts from; undefined where it is no such word. */
  baseAt(offset: number): GoBase | undefined;
}

/** Read-only data beyond that is not looked at; marks take an eighth of it. */
const MAX_SPAN_BYTES = 1 << 26;

/** Finds the words; undefined for what Go did not make, or a Go not known here. */
export function findGoWords(old: OldBytes, image: ElfImage): GoWords | undefined {
  if (image.go === undefined) return undefined;
  const { functions: tables, module } = image.go;
  const marks = startMarks(image.areas.filter((each) => each.kind === 'readonly'));
  const base = (address: number, unitBytes = 1): GoBase => ({ address, unitBytes, drift: 0, missed: 0 });
  const { names, units, files, programs, functions, shift } = tables;
  const bases: (GoBase | undefined)[] = [];
  bases[FORM_TEXT] = base(tables.textStart);
  bases[FORM_NAME] = base(names + shift);
  bases[FORM_UNIT] = base(units + shift, 4);
  bases[FORM_FILE] = base(files + shift);
  bases[FORM_PROGRAM] = base(programs + shift);
  bases[FORM_FUNCTION] = base(functions + shift);
  markFunctions(old, tables, marks);
  if (module !== undefined) {
    bases[FORM_FUNCTION_DATA] = base(module.functionData);
    bases[FORM_TYPE] = base(module.types);
    bases[FORM_READONLY] = base(module.readonlyStart);
    bases[FORM_ADDRESS] = base(0);
    markStackObjects(old, image, tables, module, marks);
    markGoTypes(old, image, module, marks);
  }
  return { baseAt: (offset) => bases[marks.formAt(offset)] };
}

function startMarks(areas: readonly Area[]): GoMarks {
  const start = (areas[0]?.start ?? 0) & ~3;
  const end = Math.min(areas.at(-1)?.end ?? 0, start + MAX_SPAN_BYTES) & ~3;
  const halves = new Uint8Array(Math.max(0, (end - start + 7) >> 3));
  const formAt = (offset: number): number => {
    if (offset < start || offset >= end) return 0;
    const half = halves[(offset - start) >> 3]!;
    return ((offset - start) & 4) === 0 ? half & 15 : half >> 4;
  };
  return {
    formAt,
    mark(offset, form) {
      if (offset < start || offset >= end || (offset & 3) !== 0 || formAt(offset) !== 0) return false;
      halves[(offset - start) >> 3]! |= ((offset - start) & 4) === 0 ? form : form << 4;
      return true;
    },
  };
}

/** Marks the table of functions, the records it leads to, and the table of units. */
function markFunctions(old: OldBytes, tables: FunctionTables, marks: GoMarks): void {
  const { count, functions, units, files, end } = tables;
  for (let i = 0; i <= count; i++) {
    marks.mark(functions + 8 * i, FORM_TEXT);
    if (i < count) marks.mark(functions + 8 * i + 4, FORM_FUNCTION);
  }
  for (let unit = units; unit + 4 <= files; unit += 4) marks.mark(unit, FORM_FILE);
  for (let i = 0; i < count; i++) {
    const at = recordAt(old, tables, i);
    const { fixedBytes, programCount, dataCount } = recordShape(old, tables, at);
    if (at + fixedBytes + 4 * (programCount + dataCount) > end || !marks.mark(at, FORM_TEXT)) continue;
    marks.mark(at + 4, FORM_NAME);
    for (const program of [16, 20, 24]) marks.mark(at + program, FORM_PROGRAM);
    marks.mark(at + 32, FORM_UNIT);
    let word = at + fixedBytes;
    for (let left = programCount; left > 0; left--, word += 4) marks.mark(word, FORM_PROGRAM);
    for (let left = dataCount; left > 0; left--, word += 4) marks.mark(word, FORM_FUNCTION_DATA);
  }
}

function recordAt(old: OldBytes, tables: FunctionTables, index: number): number {
  return tables.functions + old.u32(tables.functions + 8 * index + 4);
}

interface RecordShape {
  readonly fixedBytes: number;
  readonly programCount: number;
  readonly dataCount: number;
}

/** Counts beyond MAX_PER_FUNCTION are no linker's; such a record is marked without what they count. */
function recordShape(old: OldBytes, { later }: FunctionTables, at: number): RecordShape {
  const fixedBytes = later ? 44 : 40;
  const programCount = old.u32(at + 28);
  const dataCount = old.u8(at + fixedBytes - 1);
  if (programCount > MAX_PER_FUNCTION) return { fixedBytes, programCount: 0, dataCount: 0 };
  return { fixedBytes, programCount, dataCount };
}

const MAX_PER_FUNCTION = 64;

/** The third kind of data of a function: objects on its stack; the last word of each tells where its pointers are. */
function markStackObjects(
  old: OldBytes,
  image: ElfImage,
  tables: FunctionTables,
  module: ModuleData,
  marks: GoMarks,
): void {
  const shift = shiftAt(image, module.functionData);
  if (shift === undefined) return;
  for (let i = 0; i < tables.count; i++) {
    const at = recordAt(old, tables, i);
    const { fixedBytes, programCount, dataCount } = recordShape(old, tables, at);
    if (dataCount < 3) continue;
    const offset = old.u32(at + fixedBytes + 4 * (programCount + 2));
    if (offset === 0xffffffff) continue;
    const objects = module.functionData + shift + offset;
    const count = old.u64(objects);
    if (count > MAX_STACK_OBJECTS) continue;
    for (let each = 0; each < count; each++)
      if (!marks.mark(objects + 8 + 16 * each + 12, FORM_READONLY)) break;
  }
}

const MAX_STACK_OBJECTS = 4096;

/** The address that a word of the value `value` stands for; -1 for 0 and all ones, which stand for none. */
export function goTarget(base: GoBase, value: number): number {
  return value === 0 || value === -1 ? -1 : base.address + (value >>> 0) * base.unitBytes;
}

/** What the old word `value` becomes, as 32 bits. */
export function predictGoWord(addresses: Addresses, base: GoBase, value: number): number {
  const target = goTarget(base, value);
  if (target < 0 || !addresses.isOld(target)) return value;
  const distance = addresses.toNew(target) - addresses.toNewByMap(base.address);
  return (Math.floor(distance / base.unitBytes) + base.drift) | 0;
}

/** Learns from what became of it: where its target went, or, missed twice by as much, where its base did. */
export function learnGoWord(
  addresses: Addresses,
  base: GoBase,
  value: number,
  predicted: number,
  actual: number,
): void {
  const target = goTarget(base, value);
  if (target < 0 || actual === 0 || actual === -1 || !addresses.isOld(target)) return;
  const missed = (actual - predicted) | 0;
  if (missed !== 0 && missed === base.missed) {
    base.drift = (base.drift + missed) | 0;
    base.missed = 0;
    return;
  }
  base.missed = missed;
  if (missed === 0) return;
  const distance = ((actual - base.drift) >>> 0) * base.unitBytes;
  addresses.learn(target, addresses.toNewByMap(base.address) + distance);
}
