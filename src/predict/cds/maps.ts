/**
 * Which bits of the map region are for which bytes. JDK 17 has one map for all core regions, and one as long as itself
 * for each piece of the heap; since JDK 22 each region has its own, from its first reference to its last, and the
 * header says, somewhere, where that first is.
 */
import type { OldBytes } from '../elf/old-bytes.ts';
import type { CdsHeader, CdsPlaces, CdsRegion, PointerMap, Stretch } from './model.ts';
import { endOfCore, isCorePointer, MAX_MAP_BYTES } from './model.ts';

/** All that is read of a header. */
export const CDS_HEADER_BYTES = 1024;
/** The words before are the same in all releases. */
export const FIRST_PLACE = 16;
/** Bits that are compared with what they are for before a map is believed. */
const SAMPLE_BITS = 1 << 13;
/** So many words of the header are tried for where a map's first bit is. */
const MAX_TRIES = 32;

export interface FoundRegion extends CdsRegion {
  /** Where the header has its three words. */
  readonly place: number;
}

interface Regions {
  readonly core: readonly FoundRegion[];
  readonly heap: readonly FoundRegion[];
  readonly map: Stretch | undefined;
}

/** Where in a region's descriptor it says where its map of references begins, and of how many bits it is. */
const HEAP_MAP_WORDS = 24;
const CORE_MAP_WORDS = 40;

/** With `places` the maps are read from there; without they are found, and held against what they are for. */
export function findMaps(
  bytes: OldBytes,
  regions: Regions,
  base: number,
  places: CdsPlaces | undefined,
): Pick<CdsHeader, 'coreMaps' | 'heapMaps' | 'places'> {
  const { core, heap, map } = regions;
  const none = { coreMaps: [], heapMaps: heap.map(() => undefined), places: { base, core: [], heap: [] } };
  if (map === undefined || map.end - map.start > MAX_MAP_BYTES) return none;
  const isRight = (each: PointerMap) => places !== undefined || agrees(bytes, regions, each);
  let bitsLeft = 8 * (map.end - map.start);
  /** None of which all would be more than the region that they are in. */
  const take = (found: PointerMap | undefined): PointerMap | undefined => {
    if (found === undefined || found.bits > bitsLeft) return undefined;
    bitsLeft -= found.bits;
    return found;
  };
  const own = (region: FoundRegion, unitBytes: 4 | 8, place: number) => {
    const words = region.place + (unitBytes === 8 ? CORE_MAP_WORDS : HEAP_MAP_WORDS);
    const passed = place < 0 ? 0 : bytes.u64(place);
    const address = region.address + unitBytes * passed;
    const found = { start: bytes.u64(words), bits: bytes.u64(words + 8), address, unitBytes };
    const isInside = unitBytes * (passed + found.bits) <= region.sizeBytes;
    return found.bits > 0 && isInside && isIn(map, found) && isRight(found) ? found : undefined;
  };
  /** Where what a region's map passes over is told; -1 where it passes over nothing, undefined where there is no map. */
  const findPlace = (region: FoundRegion, unitBytes: 4 | 8): number | undefined => {
    if (own(region, unitBytes, -1) !== undefined) return -1;
    const units = region.sizeBytes / unitBytes;
    for (let place = FIRST_PLACE, tries = 0; place < CDS_HEADER_BYTES && tries < MAX_TRIES; place += 8) {
      const passed = bytes.u64(place);
      if (passed === 0 || passed >= units) continue;
      tries++;
      if (own(region, unitBytes, place) !== undefined) return place;
    }
    return undefined;
  };
  const mapsOf = (unitBytes: 4 | 8, of: Regions['core'], known: readonly number[] | undefined) => {
    const found = of.map((each, i) =>
      known === undefined ? (findPlace(each, unitBytes) ?? -2) : (known[i] ?? -2),
    );
    return {
      found,
      maps: of.map((each, i) => (found[i]! < -1 ? undefined : take(own(each, unitBytes, found[i]!)))),
    };
  };
  const heapMaps = mapsOf(4, heap, places?.heap);
  const whole: PointerMap = {
    start: 0,
    bits: Math.ceil((endOfCore(core) - core[0]!.address) / 8),
    address: core[0]!.address,
    unitBytes: 8,
  };
  const isWhole = places === undefined ? isIn(map, whole) && isRight(whole) : places.core.length === 0;
  const coreMaps = isWhole ? undefined : mapsOf(8, core, places?.core);
  return {
    coreMaps: coreMaps?.maps.filter((each) => each !== undefined) ?? (isIn(map, whole) ? [whole] : []),
    heapMaps: heapMaps.maps,
    places: { base, core: coreMaps?.found ?? [], heap: heapMaps.found },
  };
}

function isIn(map: Stretch, { start, bits }: PointerMap): boolean {
  return start + bits / 8 <= map.end - map.start;
}

/** Whether the first bits say of old bytes what these look like. */
function agrees(
  bytes: OldBytes,
  { core, heap, map }: Regions,
  { start, bits, address, unitBytes }: PointerMap,
): boolean {
  const first = core[0]!.address;
  const end = endOfCore(core);
  const region = [...core, ...heap].find(
    (each) => address >= each.address && address < each.address + each.sizeBytes,
  );
  if (region === undefined) return false;
  const offset = region.offset + address - region.address;
  const isReference = (word: number) =>
    heap.some((each) => word >= each.address && word < each.address + each.sizeBytes);
  const count = Math.min(
    SAMPLE_BITS,
    bits,
    Math.floor((region.address + region.sizeBytes - address) / unitBytes),
  );
  let ones = 0;
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    const isOne = bitOf(bytes, map!.start + start, i);
    const at = offset + unitBytes * i;
    const isLike = unitBytes === 8 ? isCorePointer(bytes.u64(at), first, end) : isReference(bytes.u32(at));
    if (isOne) ones++;
    if (isOne !== isLike && ++wrong > count / 16) return false;
  }
  return 16 * wrong < ones;
}

/** Bit `index` of those that begin at `start` of the file. */
export function bitOf(bytes: OldBytes, start: number, index: number): boolean {
  return ((bytes.u8(start + Math.floor(index / 8)) >> (index % 8)) & 1) === 1;
}
