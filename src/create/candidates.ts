/**
 * Which parts of the base a changed file is matched against: the file it most likely was before, and wherever long
 * stretches of it stand in the base image. The parts become one old buffer of bounded size.
 */
import { readPieces, sliceAccess } from '../bytes/access.ts';
import { openAnchorIndex } from '../kernels/anchor-index.ts';
import { type BaseFile, type Catalog, looseNames, PIECE_BYTES } from './catalog.ts';
import type { SharedAnchors } from './choose-parts.ts';
import { type Part, tableOf } from './part-table.ts';

/** Files are taken whole up to this size, larger ones in parts of it. */
const PART_BYTES = 64 << 10;
/** 16 bytes each at least, 32 at most. */
const MAX_ANCHORS = 1 << 20;

/** Indexes all files of the base. */
export async function indexAnchors(
  catalog: Catalog,
  tick: (bytes: number) => Promise<void>,
): Promise<SharedAnchors> {
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
  return { index, parts: tableOf(parts) };
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
