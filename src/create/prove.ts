/** Replays a written patch as a receiver would and compares every result with the target's digests. */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { type Digest, startDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { type Phase, startPhase } from '../image/phase.ts';
import type { StoreOptions } from '../image/store.ts';
import { openPatchReader } from '../patch/reader.ts';
import {
  type BaseContent,
  carriedPieces,
  copiedPieces,
  recreatedPieces,
  streamsFor,
  tarPieces,
} from '../rebuild/layer.ts';

/**
 * Throws RESULT_MISMATCH when a layer or blob does not come out as it must; the patch is then worthless. Layers that are
 * the base's own aren't made again: their recipes were replayed when they were found.
 */
export async function provePatch(
  written: RandomAccess,
  base: BaseContent,
  options: StoreOptions,
): Promise<void> {
  await proveTars(written, base, options);
  await proveBlobs(written, base, options);
}

/** All tars, and the blobs that come out of them. */
async function proveTars(written: RandomAccess, base: BaseContent, options: StoreOptions): Promise<void> {
  const patch = await openPatchReader(asyncPieces(written));
  try {
    const made = [...patch.header.target.layers.entries()].filter(([, { tar }]) => tar.kind !== 'base');
    const { tick } = phase(
      'checking the patch',
      made.map(([, { tarBytes }]) => tarBytes),
      options,
    );
    for (const [position, layer] of made) {
      const { blob } = layer;
      const isRemade = blob?.source === 'recipe';
      const streams = await patch.enterLayer(position, streamsFor(layer, isRemade ? 'blob' : 'tar'));
      const digest = startDigest();
      const tar = hashed(tarPieces(layer, streams, base, options), digest, tick);
      if (isRemade) {
        const remade = startDigest();
        for await (const piece of recreatedPieces(layer, streams, tar, options)) remade.update(piece);
        assertSame(`the blob of layer ${position}`, remade.finish(), blob.digest);
      } else {
        for await (const _ of tar);
      }
      assertSame(`layer ${position}`, digest.finish(), layer.diffId);
    }
    await patch.finish();
  } finally {
    await patch.close();
  }
}

/** The blobs that are made without the tar; a reader needs other streams for them. */
async function proveBlobs(written: RandomAccess, base: BaseContent, options: StoreOptions): Promise<void> {
  const patch = await openPatchReader(asyncPieces(written));
  try {
    const made = [...patch.header.target.layers.entries()].filter(
      ([, { blob }]) => blob?.source === 'carried' || blob?.source === 'copies',
    );
    const { tick } = phase(
      'checking the blobs',
      made.map(([, { blob }]) => blob!.sizeBytes),
      options,
    );
    for (const [position, layer] of made) {
      const streams = await patch.enterLayer(position, streamsFor(layer, 'blob'));
      const pieces =
        layer.blob!.source === 'copies' ? copiedPieces(layer, streams, base) : carriedPieces(streams);
      const digest = startDigest();
      for await (const _ of hashed(pieces, digest, tick));
      assertSame(`the blob of layer ${position}`, digest.finish(), layer.blob!.digest);
    }
  } finally {
    await patch.close();
  }
}

function phase(name: string, sizes: readonly number[], { signal, onProgress }: StoreOptions): Phase {
  return startPhase(
    name,
    sizes.reduce((sum, size) => sum + size, 0),
    signal,
    onProgress,
  );
}

async function* hashed(
  pieces: AsyncIterable<Uint8Array>,
  digest: { update(bytes: Uint8Array): void },
  tick: (bytes: number) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    digest.update(piece);
    await tick(piece.length);
    yield piece;
  }
}

async function* asyncPieces(bytes: RandomAccess): AsyncGenerator<Uint8Array> {
  yield* readPieces(bytes);
}

function assertSame(what: string, found: Digest, expected: Digest): void {
  if (found === expected) return;
  throw new DidiffError(
    'RESULT_MISMATCH',
    `${what} of the new patch comes out as ${found}, expected ${expected}`,
    {
      hint: 'This is a defect of didiff: no patch was written. Please report it with the two images, if you can share them.',
    },
  );
}
