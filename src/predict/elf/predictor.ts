/**
 * Predicts a new ELF file, or archive of Java classes, from an old one and the regions that match them. Encoder and
 * decoder run this alike, region by region in the order of the new file (docs/format.md, "Executables"); it never
 * throws, whatever the old file and the regions are, and everything it reads is what both sides have.
 */
import type { RandomAccess } from '../../bytes/access.ts';
import { bytesAccess } from '../../bytes/access.ts';
import type { Region } from '../../kernels/match.ts';
import { movedEntries, symbolEntries } from '../cds/entries.ts';
import { parseCdsHeader } from '../cds/header.ts';
import { cdsHeapStepper } from '../cds/heap.ts';
import { cdsLoads } from '../cds/layout.ts';
import { CDS_HEADER_BYTES } from '../cds/maps.ts';
import type { CdsLayout } from '../cds/model.ts';
import { openCdsNews } from '../cds/news.ts';
import { cdsMapStepper } from '../cds/pointer-map.ts';
import { cdsSpaceStepper } from '../cds/space.ts';
import { cdsTableStepper } from '../cds/table.ts';
import { movedSize, openAddresses } from './addresses.ts';
import { arm64Stepper } from './code-arm64.ts';
import { x86Stepper } from './code-x86.ts';
import { gnuHashStepper } from './gnu-hash.ts';
import { goBucketStepper } from './go-buckets.ts';
import { findGoWords } from './go-words.ts';
import {
  type Area,
  type ElfImage,
  isTable,
  loadSegments,
  MACHINE_AARCH64,
  MACHINE_X86_64,
  MAX_SEGMENTS,
  PROGRAM_HEADER_BYTES,
  parseElfHeader,
  parseSegments,
  TYPE_RELOCATABLE,
} from './image.ts';
import { linkageStepper } from './linkage.ts';
import { objectRelocationStepper } from './object-relocations.ts';
import { openOldBytes } from './old-bytes.ts';
import { parseElf } from './parse.ts';
import { type Context, type Correct, copyStepper, type Piece, STEP_BYTES, type Stepper } from './piece.ts';
import { pointerStepper } from './pointers.ts';
import { readonlyStepper } from './readonly.ts';
import { buildRegionMap } from './region-map.ts';
import { type Base, startBase } from './relative.ts';
import { relocationStepper } from './relocations.ts';
import { dynamicStepper, sectionHeaderStepper, versionStepper } from './small-tables.ts';
import { symbolStepper } from './symbols.ts';
import { startTables } from './tables.ts';
import { takenOffsets } from './taken.ts';
import { unwindHeaderStepper, unwindStepper } from './unwind.ts';

export { type Correct, STEP_BYTES } from './piece.ts';

/** Offsets are kept in 32 bits. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
/** Of the new file's beginning, so much is kept to read its program headers. */
const HEAD_BYTES = 64 + MAX_SEGMENTS * PROGRAM_HEADER_BYTES;

export interface ElfPredictor {
  /** Begins with region number `index`; regions come in their order, each stepped to its end. */
  startRegion(index: number): void;
  /**
   * Fills the next bytes of the region into `into` (of at least STEP_BYTES), and has them corrected by `correct`, which
   * turns `into[from..to)` into the true bytes. Answers how many there are, 0 at the region's end.
   */
  step(into: Uint8Array, correct: Correct): number;
  /** True bytes that stand between the regions, in the order of the file, in pieces of any size. */
  literal(newStart: number, bytes: Uint8Array): void;
  /** Gives its memory back, up to 6 MiB; it can't be used any more. */
  close(): void;
}

/**
 * Prepares to predict a file of `newSize` bytes; undefined when `old` is neither an ELF file known here (64-bit,
 * little-endian, with section headers) nor an archive of Java classes. `regions` are in the order of newStart, do not
 * overlap there and lie inside of both files; callers check that before.
 */
export function openElfPredictor(
  old: RandomAccess,
  regions: readonly Region[],
  newSize: number,
): ElfPredictor | undefined {
  if (old.sizeBytes > MAX_FILE_BYTES || newSize > MAX_FILE_BYTES) return undefined;
  const oldBytes = openOldBytes(old);
  const image = parseElf(oldBytes);
  if (image === undefined) return undefined;
  const map = buildRegionMap(withoutOverhang(regions, image.areas), old.sizeBytes);
  const addresses = openAddresses(image, map, old.sizeBytes);
  const context: Context = {
    old: oldBytes,
    image,
    addresses,
    map,
    tables: startTables(),
    taken: takenOffsets(image),
    goWords: findGoWords(oldBytes, image),
    cdsNews: image.cds && openCdsNews(image.cds.symbolRegion),
    sectionBases: sectionBases(image),
    movedSize: (address, size) => movedSize(addresses, address, size),
    scratch: new Uint8Array(STEP_BYTES + 256),
    relocatedByPlace: undefined,
  };
  const head = new Uint8Array(Math.min(HEAD_BYTES, newSize));
  let headKnown = false;
  let region: Region | undefined;
  const opened = new Set<number>();
  let stepper: Stepper | undefined;
  let stepperLeft = 0;
  let done = 0;

  const note = (newStart: number, bytes: Uint8Array) => {
    noteHead(newStart, bytes);
    context.cdsNews?.take(newStart, bytes);
  };
  const noteHead = (newStart: number, bytes: Uint8Array) => {
    if (headKnown || newStart >= head.length) return;
    head.set(bytes.subarray(0, head.length - newStart), newStart);
    headKnown = newStart + bytes.length >= head.length || readHead(newStart + bytes.length);
  };
  /** Takes the new program headers as soon as they are all there. */
  const readHead = (known: number): boolean => {
    if (image.cds !== undefined) return known >= CDS_HEADER_BYTES && readCdsHead(image.cds);
    const bytes = openOldBytes(bytesAccess(head.subarray(0, known)));
    const header = parseElfHeader(bytes);
    if (header === undefined) return known >= 64;
    const end = header.programHeaders + header.programHeaderCount * PROGRAM_HEADER_BYTES;
    if (end > head.length) return true;
    if (end > known) return false;
    addresses.setNewLoads(loadSegments(parseSegments(bytes, header)));
    return true;
  };
  const readCdsHead = ({ places }: CdsLayout): true => {
    const bytes = openOldBytes(bytesAccess(head.subarray(0, CDS_HEADER_BYTES)));
    const header = parseCdsHeader(bytes, newSize, places);
    if (header === undefined) return true;
    addresses.setNewLoads(cdsLoads(header));
    context.cdsNews!.start(header);
    return true;
  };
  const openPiece = (at: Region) => {
    const oldStart = at.oldStart + done;
    const area = image.areas[findArea(image.areas, oldStart)]!;
    // A table is taken apart once, by the first region that begins with it; what else is in it is copied.
    const whole = done === 0 && oldStart === area.start && isTable(area.kind);
    const piece: Piece = {
      oldStart,
      newStart: at.newStart + done,
      // A table may have grown: a region that begins with it is all of it.
      length: whole ? at.length : Math.min(at.length - done, area.end - oldStart),
    };
    const asIs = isTable(area.kind) && (!whole || opened.has(area.start));
    stepper = asIs ? copyStepper(context, piece) : chooseStepper(context, area, piece);
    if (whole) opened.add(area.start);
    stepperLeft = piece.length;
  };

  return {
    startRegion(index) {
      region = regions[index];
      done = 0;
      stepperLeft = 0;
    },
    step(into, correct) {
      if (region === undefined || done >= region.length) return 0;
      if (stepperLeft === 0) openPiece(region);
      const count = stepper!(into, correct);
      note(region.newStart + done, into.subarray(0, count));
      done += count;
      stepperLeft -= count;
      return count;
    },
    literal: note,
    close() {
      addresses.close();
      context.cdsNews?.close();
      oldBytes.close();
    },
  };
}

function sectionBases({ type, sections }: ElfImage): (Base | undefined)[] {
  if (type !== TYPE_RELOCATABLE) return [];
  return sections.map((each) => (each.stored ? startBase(each.address) : undefined));
}

function chooseStepper(context: Context, area: Area, piece: Piece): Stepper {
  switch (area.kind) {
    case 'code':
      if (context.image.machine === MACHINE_X86_64) return x86Stepper(context, piece, area.start);
      if (context.image.machine === MACHINE_AARCH64) return arm64Stepper(context, piece, area.start);
      break;
    case 'linkage':
      if (hasCode(context)) return linkageStepper(context, piece, area);
      break;
    case 'pointers':
      return pointerStepper(context, piece, area);
    case 'readonly':
      return readonlyStepper(context, piece, area);
    case 'rela':
      return relocationStepper(context, piece, area);
    case 'symbols':
      return symbolStepper(context, piece, area);
    case 'versions':
      return versionStepper(context, piece, area);
    case 'gnuHash':
      return gnuHashStepper(context, piece, area);
    case 'ehFrameHeader':
      return unwindHeaderStepper(context, piece, area);
    case 'ehFrame':
      return unwindStepper(context, piece, area);
    case 'objectRela':
      return objectRelocationStepper(context, piece, area);
    case 'goBuckets':
      return goBucketStepper(context, piece, area, context.image.go!);
    case 'dynamic':
      return dynamicStepper(context, piece, area);
    case 'cdsSpace':
      return cdsSpaceStepper(context, piece, context.cdsNews!);
    case 'cdsSymbolTable':
      return cdsTableStepper(context, piece, () => symbolEntries(context.cdsNews!.symbols()));
    case 'cdsTable': {
      const table = context.image.cds!.tables.find(({ start }) => start === area.start)!;
      return cdsTableStepper(context, piece, (buckets) =>
        movedEntries(context, table, context.cdsNews!, buckets),
      );
    }
    case 'cdsHeap':
      return cdsHeapStepper(context, piece, context.cdsNews!);
    case 'cdsMap':
      return cdsMapStepper(context, piece, context.cdsNews!);
    case 'sectionHeaders':
      return sectionHeaderStepper(context, piece, area);
    default:
  }
  return copyStepper(context, piece);
}

function hasCode({ image }: Context): boolean {
  return image.machine === MACHINE_X86_64 || image.machine === MACHINE_AARCH64;
}

function findArea(areas: readonly Area[], offset: number): number {
  let low = 0;
  let high = areas.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (areas[middle]!.start <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** What a grown table's region claims beyond the old table says nothing about the bytes that stand there. */
function withoutOverhang(regions: readonly Region[], areas: readonly Area[]): readonly Region[] {
  return regions.map((region) => {
    const area = areas[findArea(areas, region.oldStart)]!;
    if (region.oldStart !== area.start || !isTable(area.kind)) return region;
    return { ...region, length: Math.min(region.length, area.end - area.start) };
  });
}
