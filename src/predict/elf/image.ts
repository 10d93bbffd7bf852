/**
 * An ELF file as its headers tell it (System V ABI, "Object Files"; 64-bit, little-endian): which bytes are code,
 * pointers or tables, and which addresses they have. Nothing claimed is believed before it is compared with the
 * file's size; areas never overlap, whatever the section headers say.
 */
import type { CdsLayout } from '../cds/model.ts';
import type { GoLayout } from './go-model.ts';
import type { OldBytes } from './old-bytes.ts';

export const MACHINE_X86_64 = 62;
export const MACHINE_AARCH64 = 183;
export const TYPE_RELOCATABLE = 1;
export const TYPE_EXECUTABLE = 2;
export const TYPE_SHARED = 3;

export const HEADER_BYTES = 64;
export const PROGRAM_HEADER_BYTES = 56;
export const SECTION_HEADER_BYTES = 64;
/** More than any linker makes; a file with more is not predicted. */
export const MAX_SECTIONS = 4096;
export const MAX_SEGMENTS = 128;

const SEGMENT_LOAD = 1;
const SEGMENT_EH_FRAME = 0x6474e550;
const FLAG_WRITE = 1;
const FLAG_ALLOC = 2;
const FLAG_EXECUTE = 4;
const FLAG_TLS = 0x400;
const FLAG_COMPRESSED = 0x800;

/** What the predictors make of an area; `plain` is copied. */
export type AreaKind =
  | 'plain'
  | 'code'
  | 'linkage'
  | 'pointers'
  | 'readonly'
  | 'rela'
  | 'symbols'
  | 'versions'
  | 'gnuHash'
  | 'ehFrameHeader'
  | 'ehFrame'
  | 'dynamic'
  | 'goBuckets'
  | 'objectRela'
  | 'sectionHeaders'
  | 'cdsSpace'
  | 'cdsHeap'
  | 'cdsTable'
  | 'cdsSymbolTable'
  | 'cdsMap';

export interface Section {
  readonly index: number;
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  /** Of relocations in an object: the number of the section they change. */
  readonly info: number;
  /** Where its name stands in the file. */
  readonly nameOffset: number;
  readonly align: number;
  readonly entryBytes: number;
  readonly alloc: boolean;
  readonly executable: boolean;
  readonly writable: boolean;
  readonly threadLocal: boolean;
  /** Has bytes in the file. */
  readonly stored: boolean;
  readonly kind: AreaKind;
}

/** A stretch of the file, in order and without overlaps. */
export interface Area {
  readonly start: number;
  readonly end: number;
  readonly kind: AreaKind;
  readonly section: Section | undefined;
}

export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

export interface ElfImage {
  readonly machine: number;
  readonly type: number;
  readonly sections: readonly Section[];
  readonly areas: readonly Area[];
  /** Loaded ones only, in file order. */
  readonly loads: readonly Segment[];
  /** Undefined for files that Go's linker did not make. */
  readonly go: GoLayout | undefined;
  /** Undefined for all but archives of Java classes, which are read as images, too. */
  readonly cds: CdsLayout | undefined;
}

/** The numbers of the file header that say where the others stand; undefined when this is no ELF for us. */
export interface ElfHeader {
  readonly type: number;
  readonly machine: number;
  readonly programHeaders: number;
  readonly programHeaderCount: number;
  readonly sectionHeaders: number;
  readonly sectionHeaderCount: number;
  /** Number of the section that has the names. */
  readonly sectionNames: number;
}

export function parseElfHeader(bytes: OldBytes): ElfHeader | undefined {
  if (bytes.sizeBytes < HEADER_BYTES || bytes.u32(0) !== 0x464c457f) return undefined;
  if (bytes.u8(4) !== 2 || bytes.u8(5) !== 1) return undefined;
  const programHeaderCount = bytes.u16(54) === PROGRAM_HEADER_BYTES ? bytes.u16(56) : 0;
  const sectionHeaderCount = bytes.u16(58) === SECTION_HEADER_BYTES ? bytes.u16(60) : 0;
  if (programHeaderCount > MAX_SEGMENTS || sectionHeaderCount > MAX_SECTIONS) return undefined;
  return {
    type: bytes.u16(16),
    machine: bytes.u16(18),
    programHeaders: bytes.u64(32),
    programHeaderCount,
    sectionHeaders: bytes.u64(40),
    sectionHeaderCount,
    sectionNames: bytes.u16(62),
  };
}

export function parseSegments(bytes: OldBytes, header: ElfHeader): Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i < header.programHeaderCount; i++) {
    const at = header.programHeaders + i * PROGRAM_HEADER_BYTES;
    segments.push({
      type: bytes.u32(at),
      offset: bytes.u64(at + 8),
      address: bytes.u64(at + 16),
      fileBytes: bytes.u64(at + 32),
      memoryBytes: bytes.u64(at + 40),
    });
  }
  return segments;
}

export function loadSegments(segments: readonly Segment[]): Segment[] {
  return segments.filter((each) => each.type === SEGMENT_LOAD);
}

/** Takes the file apart; undefined when it is not a linked 64-bit little-endian ELF file with sections. */
export function parseElfImage(bytes: OldBytes): ElfImage | undefined {
  const header = parseElfHeader(bytes);
  if (header === undefined || header.sectionHeaderCount === 0) return undefined;
  if (header.type < TYPE_RELOCATABLE || header.type > TYPE_SHARED) return undefined;
  const segments = parseSegments(bytes, header);
  const ehHeader = segments.find((each) => each.type === SEGMENT_EH_FRAME);
  const ehFrame = ehHeader && findEhFrame(bytes, ehHeader);
  const names = bytes.u64(header.sectionHeaders + header.sectionNames * SECTION_HEADER_BYTES + 24);
  const sections: Section[] = [];
  for (let index = 0; index < header.sectionHeaderCount; index++) {
    const at = header.sectionHeaders + index * SECTION_HEADER_BYTES;
    const section = parseSection(bytes, at, index, ehHeader?.address, ehFrame, names);
    sections.push(header.type === TYPE_RELOCATABLE ? asInObject(section) : section);
  }
  return {
    machine: header.machine,
    type: header.type,
    sections,
    areas: layOut(bytes.sizeBytes, sections, header),
    loads: loadSegments(segments),
    go: undefined,
    cds: undefined,
  };
}

/** The address of .eh_frame, as its header has it (LSB, "Exception Frames"); only the common encoding is read. */
function findEhFrame(bytes: OldBytes, ehHeader: Segment): number | undefined {
  if (bytes.u32(ehHeader.offset) !== EH_FRAME_HEADER_ENCODING) return undefined;
  return ehHeader.address + 4 + bytes.i32(ehHeader.offset + 4);
}

/** Version 1; pointer pcrel sdata4, count udata4, table datarel sdata4. */
export const EH_FRAME_HEADER_ENCODING = 0x3b031b01;

function parseSection(
  bytes: OldBytes,
  at: number,
  index: number,
  ehHeaderAddress: number | undefined,
  ehFrameAddress: number | undefined,
  names: number,
): Section {
  const type = bytes.u32(at + 4);
  const flags = bytes.u32(at + 8);
  const address = bytes.u64(at + 16);
  const offset = bytes.u64(at + 24);
  const size = bytes.u64(at + 32);
  const entrySize = bytes.u64(at + 56);
  const alloc = (flags & FLAG_ALLOC) !== 0;
  const executable = alloc && (flags & FLAG_EXECUTE) !== 0;
  const writable = (flags & FLAG_WRITE) !== 0;
  const stored = type !== 8 && size > 0 && offset + size <= bytes.sizeBytes;
  const name = names + bytes.u32(at);
  // ".plt" and its end; AArch64 linkers don't give the size of its entries.
  const named = bytes.u32(name) === 0x746c702e && bytes.u8(name + 4) === 0;
  let kind: AreaKind = 'plain';
  if ((flags & FLAG_COMPRESSED) !== 0) kind = 'plain';
  else if (alloc && address === ehHeaderAddress) kind = 'ehFrameHeader';
  else if (alloc && address === ehFrameAddress) kind = 'ehFrame';
  else if (type === 1 && alloc)
    kind = executable ? (entrySize === 16 || named ? 'linkage' : 'code') : writable ? 'pointers' : 'readonly';
  else if (type === 14 || type === 15 || type === 16) kind = 'pointers';
  else if (type === 4 && entrySize === 24 && alloc) kind = 'rela';
  else if ((type === 2 || type === 11) && entrySize === 24) kind = 'symbols';
  else if (type === 0x6fffffff) kind = 'versions';
  else if (type === 0x6ffffff6) kind = 'gnuHash';
  else if (type === 6) kind = 'dynamic';
  return {
    index,
    type,
    address,
    offset,
    size,
    link: bytes.u32(at + 40),
    info: bytes.u32(at + 44),
    nameOffset: name,
    align: bytes.u64(at + 48),
    entryBytes: entrySize,
    alloc,
    executable,
    writable,
    threadLocal: (flags & FLAG_TLS) !== 0,
    stored,
    kind,
  };
}

/**
 * A section of a file that is still to be linked: it has no address, so its offset in the file is taken for one. Besides
 * code, tables of symbols and of relocations refer to places in it; what else would is zeros.
 */
function asInObject(section: Section): Section {
  const { type, offset, stored, kind, entryBytes } = section;
  const kept = kind === 'code' || kind === 'symbols';
  return {
    ...section,
    address: stored ? offset : 0,
    alloc: stored,
    executable: section.executable && stored,
    kind: kept ? kind : type === 4 && entryBytes === 24 ? 'objectRela' : 'plain',
  };
}

/** Sections in the order of the file; where they overlap, the earlier keeps its bytes. The rest is plain. */
function layOut(sizeBytes: number, sections: readonly Section[], header: ElfHeader): Area[] {
  const headersEnd = header.sectionHeaders + header.sectionHeaderCount * SECTION_HEADER_BYTES;
  const claims: Area[] = sections
    .filter((each) => each.stored)
    .map((section) => ({
      start: section.offset,
      end: section.offset + section.size,
      kind: section.kind,
      section,
    }));
  if (headersEnd <= sizeBytes) {
    claims.push({
      start: header.sectionHeaders,
      end: headersEnd,
      kind: 'sectionHeaders',
      section: undefined,
    });
  }
  claims.sort(
    (a, b) => a.start - b.start || a.end - b.end || (a.section?.index ?? -1) - (b.section?.index ?? -1),
  );
  const areas: Area[] = [];
  let at = 0;
  for (const claim of claims) {
    const start = Math.max(claim.start, at);
    if (start >= claim.end) continue;
    if (start > at) areas.push({ start: at, end: start, kind: 'plain', section: undefined });
    // A table whose beginning is taken can't be read as one.
    const kind = start === claim.start || claim.kind === 'code' ? claim.kind : 'plain';
    areas.push({ start, end: claim.end, kind, section: claim.section });
    at = claim.end;
  }
  if (at < sizeBytes) areas.push({ start: at, end: sizeBytes, kind: 'plain', section: undefined });
  return areas;
}

/** Tables whose new records follow from the old ones by more than their place. */
export function isTable(kind: AreaKind): boolean {
  switch (kind) {
    case 'plain':
    case 'code':
    case 'pointers':
    case 'readonly':
    case 'cdsSpace':
    case 'cdsHeap':
      return false;
    default:
      return true;
  }
}
