/** Makes the index of anchors over all files of the base. */
import { type RandomAccess, readPieces, sliceAccess } from '../bytes/access.ts';
import { openAnchorIndex, type SharedAnchorIndex } from '../kernels/anchor-index.ts';
import type { SharedAnchors } from './choose-parts.ts';
import { type Part, type PartTable, tableOf } from './part-table.ts';

/** Files are taken whole up to this size, larger ones in parts of it. */
const PART_BYTES = 64 << 10;
const PIECE_BYTES = 1 << 18;

/** An index of these files with nothing in it yet. */
export function openAnchors(files: PartTable, maxAnchors: number): SharedAnchors {
  const total = files.sizes.reduce((sum, sizeBytes) => sum + sizeBytes, 0);
  const parts: Part[] = [];
  for (const [i, sizeBytes] of files.sizes.entries())
    for (let start = 0; start < sizeBytes; start += PART_BYTES)
      parts.push({
        address: files.addresses[i]! + start,
        sizeBytes: Math.min(PART_BYTES, sizeBytes - start),
      });
  return { index: openAnchorIndex(total, maxAnchors), parts: tableOf(parts) };
}

/** Indexes all of them. `tick` is told of every piece's size. */
export async function indexFiles(
  space: RandomAccess,
  { addresses, sizes }: PartTable,
  index: SharedAnchorIndex,
  tick: (bytes: number) => Promise<void>,
): Promise<void> {
  const buffer = new Uint8Array(PIECE_BYTES);
  for (const [i, sizeBytes] of sizes.entries()) {
    let at = addresses[i]!;
    for (const piece of readPieces(sliceAccess(space, at, sizeBytes), buffer)) {
      index.add(piece, at);
      at += piece.length;
      await tick(piece.length);
    }
  }
}

/** Both. */
export async function indexAnchors(
  space: RandomAccess,
  files: PartTable,
  maxAnchors: number,
  tick: (bytes: number) => Promise<void>,
): Promise<SharedAnchors> {
  const anchors = openAnchors(files, maxAnchors);
  await indexFiles(space, files, anchors.index, tick);
  return anchors;
}
