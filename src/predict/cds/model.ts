/**
 * What is known of an archive of Java classes (CDS, "class data sharing"; `.jsa`): pieces of a virtual machine's memory
 * as they are to be mapped, full of addresses of each other.
 */

/** Bytes of the file that are mapped at an address. */
export interface CdsRegion {
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

export interface HeapRegion extends CdsRegion {
  /** Where its own map begins, a bit for each 4 bytes, in the region of the map of pointers; -1 where it is not known. */
  readonly mapPlace: number;
}

export interface CdsHeader {
  /** What the addresses in the file lie in; by offset and by address, none overlapping. One at least. */
  readonly core: readonly CdsRegion[];
  /** The address that offsets count from, and where the header has it; -1 where it has none. */
  readonly base: number;
  readonly basePlace: number;
  /** Pieces of the Java heap, by offset; what refers to them has their addresses in 4 bytes. */
  readonly heap: readonly HeapRegion[];
  /** The region that may be the map of pointers: a bit for each 8 bytes from the first core region's address on. */
  readonly map: Stretch | undefined;
}

/** Offsets in the file. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A table of compact form: an array of buckets, then one of entries, each behind its length. */
export interface CdsTable extends Stretch {
  readonly buckets: number;
  readonly kind: 'cdsSymbolTable' | 'cdsTable';
}

/** A whole file taken apart. */
export interface CdsLayout extends CdsHeader {
  /** The core region that begins with symbols (names, one behind the other); -1 when none does. */
  readonly symbolRegion: number;
  /** Hash tables, in the order of the file. */
  readonly tables: readonly CdsTable[];
}

/** Bytes of the map that stand for the core regions; what else is in its region is of other kinds. */
export function mapBytesOf(core: readonly CdsRegion[]): number {
  const last = core.at(-1)!;
  return 8 * Math.ceil((last.address + last.sizeBytes - core[0]!.address) / 512);
}

/** The end of the addresses of the core regions, exclusive. */
export function endOfCore(core: readonly CdsRegion[]): number {
  const last = core.at(-1)!;
  return last.address + last.sizeBytes;
}

/** Whether a word is taken for the address of something in the core regions: all of these are in multiples of 8. */
export function isCorePointer(word: number, start: number, end: number): boolean {
  return word > start && word < end && word % 8 === 0;
}

/** Larger maps are not made from what is known. */
export const MAX_MAP_BYTES = 1 << 22;
