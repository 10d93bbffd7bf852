/**
 * Which words of read-only data are offsets in an executable that Go's linker made, and from where they count: those of
 * its function tables (runtime/symtab.go, "pclntab", of Go 1.18 and 1.20) and of its types (internal/abi/type.go).
 * Everything is read from the old file, once; whatever it claims is compared with where its sections end.
 */
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
import { type Base, startBase } from './relative.ts';

/** The words known to be offsets. */
export interface GoWords {
  /** What the word at a file offset counts from; undefined where it is no such word. */
  baseAt(offset: number): Base | undefined;
}

/** Read-only data beyond that is not looked at; marks take an eighth of it. */
const MAX_SPAN_BYTES = 1 << 26;

/** Finds the words; undefined for what Go did not make, or a Go not known here. */
export function findGoWords(old: OldBytes, image: ElfImage): GoWords | undefined {
  if (image.go === undefined) return undefined;
  const { functions: tables, module } = image.go;
  const marks = startMarks(image.areas.filter((each) => each.kind === 'readonly'));
  const { names, units, files, programs, functions, shift } = tables;
  const bases: (Base | undefined)[] = [];
  bases[FORM_TEXT] = startBase(tables.textStart);
  bases[FORM_NAME] = startBase(names + shift);
  bases[FORM_UNIT] = startBase(units + shift, 4);
  bases[FORM_FILE] = startBase(files + shift);
  bases[FORM_PROGRAM] = startBase(programs + shift);
  bases[FORM_FUNCTION] = startBase(functions + shift);
  markFunctions(old, tables, marks);
  if (module !== undefined) {
    bases[FORM_FUNCTION_DATA] = startBase(module.functionData);
    bases[FORM_TYPE] = startBase(module.types);
    bases[FORM_READONLY] = startBase(module.readonlyStart);
    bases[FORM_ADDRESS] = startBase(0);
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
