/** Would a patch apply? Reads all of it and proves the base, and writes nothing. */
import type { Digest } from '../bytes/digest.ts';
import type { ImageSink, OpenedImage, StoreOptions } from '../image/store.ts';
import type { PatchReader } from '../patch/reader.ts';
import { wantsThread } from '../rebuild/decode-ahead.ts';
import { baseContent, streamsFor } from '../rebuild/layer.ts';
import { assertBase, openBaseTars } from './base.ts';
import { findBaseBlobs, openBaseBlobs } from './base-blobs.ts';
import { baseLayersFor, layerPieces, layersFromOps } from './layers.ts';
import { assertNeeds, type Needs, needsOf } from './needs.ts';
import { assertBlobs, targetOf, type WantedLayers } from './target.ts';

export interface CheckResult {
  /** The image is in the destination already. */
  readonly wasThere: boolean;
  readonly needs: Needs;
  /** Layers that were made and compared with their digests: those that the destination lacks. */
  readonly provedLayers: number;
}

/**
 * Makes the layers that `sink` lacks, in the form it takes, without keeping them; without a sink, or when the image is
 * there, all layers' tars. `sink` is only asked, never written to. Throws just what applying would throw.
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
  const wanted: WantedLayers =
    sink === undefined || wasThere
      ? { header, layers: [...header.target.layers.keys()], takes: 'tar' }
      : { header, layers: await sink.findLacking(target), takes: sink.takes };
  const output = wasThere ? undefined : sink?.directory;
  const needs = await checkLayers(patch, base, wanted, output, options);
  await patch.finish();
  return { wasThere, needs, provedLayers: wanted.layers.length };
}

/** Makes the wanted layers without keeping them. `outputDirectory` is where they would go. Throws as `checkPatch`. */
export async function checkLayers(
  patch: PatchReader,
  base: OpenedImage,
  wanted: WantedLayers,
  outputDirectory: string | undefined,
  options: StoreOptions,
): Promise<Needs> {
  const { header } = patch;
  assertBase(header, base);
  const places = await findBaseBlobs(wanted, base, options);
  const isOwn = (digest: Digest) => places.has(digest);
  const baseLayers = baseLayersFor(wanted, isOwn);
  const hasThread = wantsThread([...layersFromOps(wanted, isOwn).values()], undefined);
  const needs = needsOf({ ...wanted, baseLayers, base, hasThread });
  assertNeeds(needs, options.tempDirectory, outputDirectory);
  const { own, space } = await openBaseBlobs(wanted, base, places, options);
  const content = baseContent(header, await openBaseTars(header, base, baseLayers, options), space);
  let doneBytes = 0;
  for (const position of wanted.layers) {
    const layer = header.target.layers[position]!;
    const streams = await patch.enterLayer(position, streamsFor(layer, wanted.takes));
    for await (const piece of layerPieces(layer, streams, content, own, wanted.takes, options)) {
      doneBytes += piece.length;
      options.onProgress?.({ phase: 'checking', doneBytes, totalBytes: needs.outputBytes });
    }
  }
  return needs;
}
