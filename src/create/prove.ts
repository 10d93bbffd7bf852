/** Replays a written patch as a receiver would and compares every result with the target's digests. */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { type Digest, startDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { startPhase } from '../image/phase.ts';
import type { StoreOptions } from '../image/store.ts';
import { openPatchReader } from '../patch/reader.ts';
import { type BaseContent, carriedPieces, recreatedPieces, tarPieces } from '../rebuild/layer.ts';

/** Throws RESULT_MISMATCH when a layer or blob does not come out as it must; the patch is then worthless. */
export async function provePatch(
  written: RandomAccess,
  base: BaseContent,
  options: StoreOptions,
): Promise<void> {
  const patch = await openPatchReader(asyncPieces(written));
  try {
    const { layers } = patch.header.target;
    const total = layers.reduce((sum, { tar, tarBytes }) => sum + (tar.kind === 'base' ? 0 : tarBytes), 0);
    const { tick } = startPhase('checking the patch', total, options.signal, options.onProgress);
    for (const [position, layer] of layers.entries()) {
      const streams = await patch.enterLayer(position);
      const source = layer.blob?.source;
      if (layer.tar.kind === 'base' && source !== 'recipe' && source !== 'carried') continue;
      const digest = startDigest();
      const tar = hashed(tarPieces(layer, streams, base, options), digest, tick);
      if (layer.blob !== undefined && source === 'recipe') {
        const blob = startDigest();
        for await (const piece of recreatedPieces(layer, streams, tar, options)) blob.update(piece);
        assertSame(`the blob of layer ${position}`, blob.finish(), layer.blob.digest);
      } else if (layer.blob !== undefined && source === 'carried' && layer.tar.kind !== 'blob') {
        const blob = startDigest();
        for await (const piece of carriedPieces(streams)) blob.update(piece);
        assertSame(`the blob of layer ${position}`, blob.finish(), layer.blob.digest);
        continue;
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
