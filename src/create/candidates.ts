/**
 * Which parts of the base a changed file is matched against: the file it most likely was before, and wherever long
 * stretches of it stand in the base image. The parts become one old buffer of bounded size.
 */
import { readPieces, sliceAccess } from '../bytes/access.ts';
import { openAnchorIndex } from '../kernels/anchor-index.ts';
import type { AnchorIndex } from '../kernels/anchors.ts';
import { type BaseFile, type Catalog, looseNames, PIECE_BYTES } from './catalog.ts';

/** A stretch of base addresses. */
export interface Part {
  readonly address: number;
  readonly sizeBytes: number;
}

/** Old bytes matched against at once, at most. */
export const MAX_OLD_BYTES = 8 << 20;
/** Files are taken whole up to this size, larger ones in parts of it. */
const PART_BYTES = 64 << 10;
/** 16 bytes each at least, 32 at most. */
const MAX_ANCHORS = 1 << 20;
/** A part that explains fewer anchors is more likely chance, or not worth the time it takes to match against. */
const MIN_VOTES = 3;

export interface Anchors {
  readonly index: AnchorIndex;
  readonly parts: readonly Part[];
}

/** For what is only matched against its earlier version. */
export const NO_ANCHORS: Anchors = { index: { add() {}, find() {}, close() {} }, parts: [] };

/** Indexes all files of the base. */
export async function indexAnchors(
  catalog: Catalog,
  tick: (bytes: number) => Promise<void>,
): Promise<Anchors> {
  const total = catalog.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const index = openAnchorIndex(total, MAX_ANCHORS);
  const parts: Part[] = [];
  const buffer = new Uint8Array(PIECE_BYTES);
  for (const file of catalog.files) {
    let at = 0;
    for (const piece of readPieces(sliceAccess(catalog.space, file.address, file.sizeBytes), buffer)) {
      index.add(piece, file.address + at);
      at += piece.length;
      await tick(piece.length);
    }
    for (let start = 0; start < file.sizeBytes; start += PART_BYTES) {
      parts.push({ address: file.address + start, sizeBytes: Math.min(PART_BYTES, file.sizeBytes - start) });
    }
  }
  return { index, parts };
}

/** The file of the base that `path`, of `sizeBytes`, most likely was; undefined when no name is alike. */
export function findEarlierFile(catalog: Catalog, path: string, sizeBytes: number): BaseFile | undefined {
  const same = catalog.byPath.get(path);
  if (same !== undefined && same.sizeBytes > 0) return same;
  for (const name of looseNames(path)) {
    const sharing = catalog.byLooseName.get(name);
    if (sharing !== undefined) return nearest(sharing, path, sizeBytes);
  }
  return undefined;
}

/** The one whose path has most in common, then the one nearest in size, then the first. */
function nearest(files: readonly BaseFile[], path: string, sizeBytes: number): BaseFile {
  let best = files[0]!;
  let bestScore = -1;
  for (const file of files) {
    const larger = Math.max(file.sizeBytes, sizeBytes);
    const score =
      commonEnds(file.path, path) + (larger === 0 ? 1 : Math.min(file.sizeBytes, sizeBytes) / larger);
    if (score > bestScore) {
      best = file;
      bestScore = score;
    }
  }
  return best;
}

function commonEnds(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return start + end;
}

/**
 * The parts to match `bytes` against, a window of a file that was `earlier` and begins at `windowStart` of `fileBytes`.
 * The earlier file comes first, whole when it fits, else around the same place; then, one after the other, the part that
 * explains most of the anchors that are not explained yet.
 */
export function chooseParts(
  anchors: Anchors,
  bytes: Uint8Array,
  earlier: Part | undefined,
  windowStart: number,
  fileBytes: number,
): readonly Part[] {
  const first = earlier && likelyPart(earlier, bytes.length, windowStart, fileBytes);
  const chosen: Part[] = first === undefined ? [] : [first];
  let room = MAX_OLD_BYTES - (first?.sizeBytes ?? 0);
  const unexplained = findUnexplained(anchors, bytes, first);
  for (;;) {
    const part = mostVoted(unexplained);
    if (part === undefined) break;
    for (const group of unexplained) if (group.includes(part)) unexplained.delete(group);
    const more = without(anchors.parts[part]!, first);
    if (more.sizeBytes > room) break;
    room -= more.sizeBytes;
    chosen.push(more);
  }
  return chosen.filter((part) => part.sizeBytes > 0).sort((a, b) => a.address - b.address);
}

/** Per anchor of `bytes` that doesn't stand in `first`: the parts it stands in. */
function findUnexplained(
  anchors: Anchors,
  bytes: Uint8Array,
  first: Part | undefined,
): Set<readonly number[]> {
  const groups = new Set<readonly number[]>();
  anchors.index.find(bytes, (addresses) => {
    if (first !== undefined && addresses.some((address) => isInside(address, first))) return;
    groups.add(addresses.map((address) => partAt(anchors.parts, address)));
  });
  return groups;
}

/** The part that most groups name, the first of equals; undefined when it has too few votes. */
function mostVoted(groups: ReadonlySet<readonly number[]>): number | undefined {
  const votes = new Map<number, number>();
  for (const group of groups) for (const part of group) votes.set(part, (votes.get(part) ?? 0) + 1);
  let best: number | undefined;
  let bestVotes = MIN_VOTES - 1;
  for (const [part, count] of votes) {
    if (count > bestVotes || (count === bestVotes && best !== undefined && part < best)) {
      best = part;
      bestVotes = count;
    }
  }
  return best;
}

/** Anchors' addresses are rounded down to 16. */
function isInside(address: number, part: Part): boolean {
  return address + 15 >= part.address && address < part.address + part.sizeBytes;
}

/** All of a file that fits into half the room; of a larger one, what lies around the window's place in proportion. */
function likelyPart(file: Part, windowBytes: number, windowStart: number, fileBytes: number): Part {
  const most = MAX_OLD_BYTES / 2;
  if (file.sizeBytes <= MAX_OLD_BYTES * 0.75) return file;
  const middle = ((windowStart + windowBytes / 2) / fileBytes) * file.sizeBytes;
  const start = Math.floor(Math.max(0, Math.min(file.sizeBytes - most, middle - most / 2)));
  return { address: file.address + start, sizeBytes: Math.min(most, file.sizeBytes - start) };
}

/** What of a part the first choice doesn't already hold; parts are never inside out of it on both ends. */
function without(part: Part, first: Part | undefined): Part {
  if (first === undefined) return part;
  const end = part.address + part.sizeBytes;
  const firstEnd = first.address + first.sizeBytes;
  if (end <= first.address || part.address >= firstEnd) return part;
  if (part.address < first.address) return { address: part.address, sizeBytes: first.address - part.address };
  const start = Math.min(end, firstEnd);
  return { address: start, sizeBytes: end - start };
}

function partAt(parts: readonly Part[], address: number): number {
  let low = 0;
  let high = parts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (parts[middle]!.address <= address) low = middle;
    else high = middle - 1;
  }
  return low;
}
