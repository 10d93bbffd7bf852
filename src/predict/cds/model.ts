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

/** Bits of the map region, each of which says whether some bytes of a region, or of all core regions, are a reference. */
export interface PointerMap {
  /** Where the bits begin in the map region, and how many there are. */
  readonly start: number;
  readonly bits: number;
  /** The address that the first bit is for, and how many bytes each is for. */
  readonly address: number;
  readonly unitBytes: 4 | 8;
}

/** Where the header has what can't be told by its place from release to release. */
export interface CdsPlaces {
  /** The base; -1 where it has none. */
  readonly base: number;
  /**
   * How many of a region's units, of the core's and of the heap's, its map passes over; -1 where it says nothing of
   * it.
   */
  readonly core: readonly number[];
  readonly heap: readonly number[];
}

export interface CdsHeader {
  /** What the addresses in the file lie in; by offset and by address, none overlapping. One at least. */
  readonly core: readonly CdsRegion[];
  /** The address that offsets count from. */
  readonly base: number;
  /** Pieces of the Java heap, by offset; what refers to them has their addresses in 4 bytes. */
  readonly heap: readonly CdsRegion[];
  /** The region with the maps. */
  readonly map: Stretch | undefined;
  /** Those of the core regions: one for all, or one for each that has one; then those of the heap's, by number. */
  readonly coreMaps: readonly PointerMap[];
  readonly heapMaps: readonly (PointerMap | undefined)[];
  readonly places: CdsPlaces;
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
