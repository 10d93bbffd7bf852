/**
 * What a target's blob shares, byte for byte, with the blobs of the base: gzip members, zstd frames and blocks of files
 * that did not change. For blobs that no recipe makes.
 */
import { concatAccess, type RandomAccess, sliceAccess } from '../bytes/access.ts';
import { pushVarint, zigzag } from '../bytes/varint.ts';
import { startPhase } from '../image/phase.ts';
import type { StoreOptions } from '../image/store.ts';
import type { BaseBlob } from '../patch/header.ts';
import { type BlockIndex, type CopyRun, indexBlocks } from './block-index.ts';

/** The blobs of the base, one after the other, as addresses of runs count; each with its layer's place in the base. */
export interface BlobSpace {
  readonly blobs: readonly PlacedBlob[];
  readonly content: RandomAccess;
  readonly index: BlockIndex;
}

export interface PlacedBlob extends BaseBlob {
  readonly position: number;
}

/** A blob as runs of the base's blobs and what is between them. */
export interface BlobCopies {
  readonly runs: readonly CopyRun[];
  readonly copiedBytes: number;
}

/** Copies that save less than this share of a blob aren't worth that the receiver must have the base's blobs. */
const MIN_COPIED_SHARE = 0.1;

export async function openBlobSpace(
  blobs: readonly PlacedBlob[],
  contents: readonly RandomAccess[],
  options: StoreOptions,
): Promise<BlobSpace> {
  const content = concatAccess(contents);
  const { tick } = startPhase(
    "indexing the base's blobs",
    content.sizeBytes,
    options.signal,
    options.onProgress,
  );
  return { blobs, content, index: await indexBlocks(content, tick) };
}

/** What these blobs hold, one after the other; undefined when there are none. */
export function blobContent(
  space: BlobSpace | undefined,
  blobs: readonly PlacedBlob[],
): RandomAccess | undefined {
  if (space === undefined || blobs.length === 0) return undefined;
  const starts = startsOf(space.blobs);
  return concatAccess(
    blobs.map((blob) => sliceAccess(space.content, starts[space.blobs.indexOf(blob)]!, blob.sizeBytes)),
  );
}

/** Undefined when too little of the blob is in the base's. */
export async function findCopies(
  blob: RandomAccess,
  space: BlobSpace,
  options: StoreOptions,
): Promise<BlobCopies | undefined> {
  const { tick } = startPhase(
    "comparing with the base's blobs",
    blob.sizeBytes,
    options.signal,
    options.onProgress,
  );
  const runs = await space.index.find(blob, tick);
  const copiedBytes = runs.reduce((sum, { length }) => sum + length, 0);
  if (runs.length === 0 || copiedBytes < blob.sizeBytes * MIN_COPIED_SHARE) return undefined;
  return { runs, copiedBytes };
}

/** Calls `literal` for each stretch of new bytes and `number` for each number of the copies, in order, with their places. */
export function writeCopies(
  { runs }: BlobCopies,
  blobBytes: number,
  toPatchAddress: (address: number) => number,
  number: (value: number, at: number) => void,
  literal: (start: number, length: number) => void,
): void {
  let at = 0;
  let expected = 0;
  const fresh = (end: number) => {
    number(end - at, at);
    if (end > at) literal(at, end - at);
    at = end;
  };
  for (const run of runs) {
    fresh(run.at);
    number(run.length, at);
    const address = toPatchAddress(run.address);
    number(zigzag(address - expected), at);
    expected = address + run.length;
    at += run.length;
  }
  if (at < blobBytes) fresh(blobBytes);
}

/** What the copies take in the patch at most. */
export function copiesBytes(copies: BlobCopies, blobBytes: number): number {
  const numbers: number[] = [];
  let literalBytes = 0;
  writeCopies(
    copies,
    blobBytes,
    (address) => address,
    (value) => pushVarint(numbers, value),
    (_, length) => {
      literalBytes += length;
    },
  );
  return literalBytes + numbers.length;
}

/** The base's blobs that these copies read, and how an address over all of them becomes one over those. */
export function blobsRead(
  space: BlobSpace | undefined,
  all: readonly BlobCopies[],
): { readonly blobs: readonly PlacedBlob[]; readonly toPatchAddress: (address: number) => number } {
  const starts = startsOf(space?.blobs ?? []);
  const blobAt = (address: number) => starts.findLastIndex((start) => start <= address);
  const read = new Set<number>();
  for (const { runs } of all) {
    for (const { address, length } of runs) {
      // A run may go on from one blob into the next.
      for (let blob = blobAt(address); blob <= blobAt(address + length - 1); blob++) read.add(blob);
    }
  }
  let moved = 0;
  const shifts = starts.map((_, position) => {
    if (!read.has(position)) moved += space!.blobs[position]!.sizeBytes;
    return moved;
  });
  return {
    blobs: (space?.blobs ?? []).filter((_, position) => read.has(position)),
    toPatchAddress: (address) => address - shifts[blobAt(address)]!,
  };
}

function startsOf(blobs: readonly BaseBlob[]): readonly number[] {
  let end = 0;
  return blobs.map(({ sizeBytes }) => {
    end += sizeBytes;
    return end - sizeBytes;
  });
}
