/** Would a patch apply? Reads all of it and proves the base, and writes nothing. */

import { startDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import type { ImageSink, OpenedImage, StoreOptions } from '../image/store.ts';
import type { PatchReader } from '../patch/reader.ts';
import { baseContent, type RebuildOptions, tarPieces } from '../rebuild/layer.ts';
import { openBaseTars } from './base.ts';
import { assertNeeds, type Needs, needsOf } from './needs.ts';
import { assertBlobs, targetOf } from './target.ts';

export interface CheckResult {
  /** The image is in the destination already. */
  readonly wasThere: boolean;
  readonly needs: Needs;
  /** Layers that were rebuilt and compared with their diffIDs. */
  readonly provedLayers: number;
}

/**
 * Rebuilds every layer of `patch` from `base` without keeping it. `sink` is only asked, never written to. Throws just
 * what applying would throw.
 */
export async function checkPatch(
  patch: PatchReader,
  base: OpenedImage,
  sink: ImageSink | undefined,
  options: StoreOptions,
): Promise<CheckResult> {
  const { header } = patch;
  const target = targetOf(header, patch.documents);
  if (sink !== undefined) assertBlobs(header, sink);
  const wasThere = sink !== undefined && (await sink.find(target)) !== undefined;
  const baseLayers = new Set(header.base.layers.keys());
  const layers = [...header.target.layers.keys()];
  const needs = needsOf({ header, baseLayers, layers, takes: sink?.takes ?? 'tar' });
  assertNeeds(needs, options.tempDirectory, wasThere ? undefined : sink?.directory);
  const content = baseContent(header, await openBaseTars(header, base, baseLayers, options));
  let doneBytes = 0;
  for (const position of layers) {
    const layer = header.target.layers[position]!;
    const streams = await patch.enterLayer(position);
    // A layer of the base's was proved when it was opened.
    if (layer.tar.kind === 'base') continue;
    const digest = startDigest();
    const rebuild: RebuildOptions = options;
    for await (const piece of tarPieces(layer, streams, content, rebuild)) {
      options.signal?.throwIfAborted();
      digest.update(piece);
      doneBytes += piece.length;
      options.onProgress?.({
        phase: 'checking',
        doneBytes,
        totalBytes: header.target.layers.reduce(
          (sum, each) => sum + (each.tar.kind === 'base' ? 0 : each.tarBytes),
          0,
        ),
      });
    }
    const found = digest.finish();
    if (found !== layer.diffId) {
      throw new DidiffError(
        'RESULT_MISMATCH',
        `layer ${position} would come out as ${found}; expected ${layer.diffId}`,
        {
          hint: 'The patch is damaged or was made by something else than didiff; get it again from where it was made.',
        },
      );
    }
  }
  await patch.finish();
  return { wasThere, needs, provedLayers: layers.length };
}
