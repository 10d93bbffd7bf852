/** Reads a written bundle as a receiver would: that all of it is there and proved. Its parts were proved when they were made. */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { DidiffError } from '../errors.ts';
import type { StoreOptions } from '../image/store.ts';
import { openAnyPatch } from '../patch/bundle.ts';
import { proveBlobs } from '../patch/bundle-blobs.ts';

/** Throws CORRUPT_INPUT or INTERNAL when something is wrong with it; it is then worthless. */
export async function proveBundle(written: RandomAccess, options: StoreOptions): Promise<void> {
  const opened = await openAnyPatch(piecesOf(written));
  if (opened.kind !== 'bundle') throw new DidiffError('INTERNAL', 'what was written is no bundle');
  const { bundle } = opened;
  try {
    await proveBlobs(bundle, () => {}, options.signal);
    const { shared, images } = await bundle.openParts();
    await shared?.reader.finish();
    for (const { reader } of images) await reader.finish();
  } finally {
    await bundle.close();
  }
}

async function* piecesOf(bytes: RandomAccess): AsyncGenerator<Uint8Array> {
  yield* readPieces(bytes);
}
