/**
 * Where an executable that Go's linker made has the tables of its functions (runtime/symtab.go, "pclntab", as Go 1.18
 * and 1.20 made them) and its module data, as the old file tells; nothing is believed beyond where its sections end.
 */
import type { FunctionTables, GoLayout, ModuleData } from './go-model.ts';
import type { ElfImage } from './image.ts';
import type { OldBytes } from './old-bytes.ts';

const MAGIC_18 = 0xfffffff0;
const MAGIC_20 = 0xfffffff1;
const HEADER_BYTES = 72;
const MAX_FUNCTIONS = 1 << 22;
export function findGoLayout(old: OldBytes, image: ElfImage): GoLayout | undefined {
  const functions = findFunctionTables(old, image);
  if (functions === undefined) return undefined;
  const module = findModuleData(old, image, functions);
  return { functions, module, buckets: findBuckets(old, image, functions, module) };
}

function findFunctionTables(old: OldBytes, { areas, sections }: ElfImage): FunctionTables | undefined {
  for (const { start, kind, section } of areas) {
    if (
      kind !== 'readonly' ||
      section === undefined ||
      section.size < HEADER_BYTES ||
      start !== section.offset
    )
      continue;
    const magic = old.u32(start);
    if (magic !== MAGIC_18 && magic !== MAGIC_20) continue;
    if (old.u16(start + 4) !== 0 || old.u8(start + 7) !== 8) continue;
    const [names, units, files, programs, functions] = [32, 40, 48, 56, 64].map(
      (each) => start + old.u64(start + each),
    ) as [number, number, number, number, number];
    const count = old.u64(start + 8);
    const end = start + section.size;
    const ordered = names <= units && units <= files && files <= programs && programs <= functions;
    if (!ordered || count > MAX_FUNCTIONS || functions + 8 * count + 4 > end) continue;
    const textStart = old.u64(start + 24) || (sections.find((each) => each.executable)?.address ?? 0);
    const later = magic === MAGIC_20;
    const { address, offset } = section;
    const shift = address - offset;
    return { address, shift, count, textStart, names, units, files, programs, functions, end, later };
  }
  return undefined;
}

/** File offset less address of the stored section with that address. */
export function shiftAt(image: ElfImage, address: number): number | undefined {
  const section = image.sections.find(
    (each) => each.stored && each.alloc && address >= each.address && address - each.address < each.size,
  );
  return section && section.offset - section.address;
}

/** The module data (runtime/symtab.go, "moduledata") begins with the addresses of the tables and of the names in them. */
function findModuleData(old: OldBytes, image: ElfImage, tables: FunctionTables): ModuleData | undefined {
  const { address: first, shift, names, later } = tables;
  const second = names + shift;
  for (const each of image.areas) {
    if (each.section === undefined || !each.section.writable || each.section.executable) continue;
    for (let at = (each.start + 7) & ~7; at + MODULE_BYTES <= each.end; at += 8) {
      if (old.u32(at) !== first % 2 ** 32 || old.u64(at) !== first || old.u64(at + 8) !== second) continue;
      const word = (index: number) => old.u64(at + 8 * (index + (later ? 2 : 0)));
      const module: ModuleData = {
        buckets: old.u64(at + 8 * 19),
        types: word(35),
        typesEnd: word(36),
        readonlyStart: word(37),
        functionData: word(38),
        typeLinks: word(42),
        typeLinkCount: word(43),
      };
      return module.types < module.typesEnd ? module : undefined;
    }
  }
  return undefined;
}

const MODULE_BYTES = 400;

/** A bucket for each 4096 bytes of code. */
export const BUCKET_BYTES = 20;
export const BUCKET_CODE_BYTES = 4096;

function findBuckets(
  old: OldBytes,
  image: ElfImage,
  { functions, count }: FunctionTables,
  module: ModuleData | undefined,
): { start: number; end: number } {
  const none = { start: 0, end: 0 };
  const shift = module && shiftAt(image, module.buckets);
  if (module === undefined || shift === undefined) return none;
  const codeBytes = old.u32(functions + 8 * count) - old.u32(functions);
  if (codeBytes <= 0) return none;
  const start = module.buckets + shift;
  return { start, end: start + Math.ceil(codeBytes / BUCKET_CODE_BYTES) * BUCKET_BYTES };
}
