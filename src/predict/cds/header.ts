/**
 * Reads the header of an archive of Java classes. Its fields moved from release to release (openjdk,
 * share/include/cds.h and share/cds/filemap.hpp), so it is not read by a version's table but by what regions must be:
 * each is told by three words, its offset in the file, where it is mapped, and its size, and follows on the one
 * before.
 */
import type { OldBytes } from '../elf/old-bytes.ts';
import { CDS_HEADER_BYTES, FIRST_PLACE, type FoundRegion, findMaps } from './maps.ts';
import { type CdsHeader, type CdsPlaces, type CdsRegion, endOfCore } from './model.ts';

export const CDS_MAGIC = 0xf00baba2;
const PAGE_BYTES = 4096;
const MAX_REGIONS = 16;
/** A region's three words, and four more that may tell of its maps. */
const DESCRIPTOR_BYTES = 56;
/** Regions begin at pages of up to so many bytes. */
const MAX_PADDING_BYTES = 1 << 16;
/** Between core regions there is less address space than that. */
const MAX_CORE_GAP_BYTES = 1 << 24;
const MAX_ADDRESS = 2 ** 47;
/** Lower numbers are sizes and offsets. */
const MIN_BASE = 2 ** 31;
/** So much of the first region tells which word of the header is the base. */
const SAMPLE_BYTES = 1 << 16;

/**
 * `bytes` are the file's first CDS_HEADER_BYTES at least, of `fileBytes` in all. What has its place by release is read
 * from `places`; without, it is found, for which `bytes` must be the whole file. Undefined when this is no such file.
 */
export function parseCdsHeader(
  bytes: OldBytes,
  fileBytes: number,
  places?: CdsPlaces,
): CdsHeader | undefined {
  if (bytes.sizeBytes < CDS_HEADER_BYTES || bytes.u32(0) !== CDS_MAGIC) return undefined;
  const regions = findRegions(bytes, fileBytes);
  const relative = coreOf(regions);
  if (relative.length === 0) return undefined;
  const place = places === undefined ? findBase(bytes, relative) : places.base;
  if (place === undefined) return undefined;
  const base = place < 0 ? 0 : bytes.u64(place);
  if (place >= 0 && !isBase(base)) return undefined;
  const core = relative.map((each): FoundRegion => ({ ...each, address: base + each.address }));
  // Those that are mapped below 4 GiB; other heaps are referred to in other ways.
  const heap = regions
    .slice(core.length)
    .filter(({ address, sizeBytes }) => address > 0 && address + sizeBytes <= 2 ** 32);
  const next = regions[core.length];
  const map = next?.address === 0 ? { start: next.offset, end: next.offset + next.sizeBytes } : undefined;
  return { core, heap, base, map, ...findMaps(bytes, { core, heap, map }, place, places) };
}

/** All regions that have bytes, in the order of the file; what they say of their address counts from something. */
function findRegions(bytes: OldBytes, fileBytes: number): readonly FoundRegion[] {
  const regions: FoundRegion[] = [];
  let least = PAGE_BYTES;
  for (
    let at = FIRST_PLACE;
    at + DESCRIPTOR_BYTES <= CDS_HEADER_BYTES && regions.length < MAX_REGIONS;
    at += 8
  ) {
    const offset = bytes.u64(at);
    const address = bytes.u64(at + 8);
    const sizeBytes = bytes.u64(at + 16);
    if (offset % PAGE_BYTES !== 0 || offset < least || offset > least + MAX_PADDING_BYTES) continue;
    if (address % PAGE_BYTES !== 0 || address >= MAX_ADDRESS) continue;
    if (sizeBytes === 0 || sizeBytes > fileBytes - offset) continue;
    regions.push({ place: at, offset, address, sizeBytes });
    least = Math.ceil((offset + sizeBytes) / PAGE_BYTES) * PAGE_BYTES;
    at += 16;
  }
  return regions;
}

/** The regions, from the first on, whose addresses follow on each other, too. */
function coreOf(regions: readonly FoundRegion[]): readonly FoundRegion[] {
  let count = 0;
  while (count < regions.length) {
    const before = regions[count - 1];
    const gap = before === undefined ? 0 : regions[count]!.address - before.address - before.sizeBytes;
    if (gap < 0 || gap >= MAX_CORE_GAP_BYTES) break;
    count++;
  }
  return regions.slice(0, count);
}

function isBase(word: number): boolean {
  return word >= MIN_BASE && word < MAX_ADDRESS && word % PAGE_BYTES === 0;
}

/**
 * Where the base stands for which the most words are addresses, the first of equals; -1, which comes before all others,
 * where the regions' addresses count from nothing. Undefined when there are no addresses.
 */
function findBase(bytes: OldBytes, relative: readonly CdsRegion[]): number | undefined {
  const first = relative[0]!;
  const words = new Float64Array(Math.min(SAMPLE_BYTES, first.sizeBytes) >> 3);
  for (let i = 0; i < words.length; i++) words[i] = bytes.u64(first.offset + 8 * i);
  const end = endOfCore(relative);
  const count = (base: number) =>
    words.reduce((sum, word) => sum + (word >= base + first.address && word < base + end ? 1 : 0), 0);
  let best: number | undefined;
  let most = 0;
  if (first.address >= MIN_BASE) most = count(0);
  if (most > 0) best = -1;
  for (let at = FIRST_PLACE; at < CDS_HEADER_BYTES; at += 8) {
    const base = bytes.u64(at);
    const found = isBase(base) ? count(base) : 0;
    if (found <= most) continue;
    best = at;
    most = found;
  }
  return best;
}
