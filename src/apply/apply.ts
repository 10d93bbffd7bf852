/**
 * Applies a patch: proves the base, rebuilds what the destination lacks as a stream, verifies every byte on its way, and
 * publishes last. Whatever fails, the destination is left as it was.
 */
import type { Digest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import type { ImageSink, OpenedImage, Published, StoreOptions } from '../image/store.ts';
import type { LayerStreams, PatchReader } from '../patch/reader.ts';
import { openDecodeAhead, wantsThread } from '../rebuild/decode-ahead.ts';
import { baseContent, streamsFor } from '../rebuild/layer.ts';
import { assertBase, openBaseTars } from './base.ts';
import { findBaseBlobs, openBaseBlobs } from './base-blobs.ts';
import { baseLayersFor, layerPieces, layersFromOps } from './layers.ts';
import { assertNeeds, needsOf } from './needs.ts';
import { assertBlobs, targetOf } from './target.ts';

export interface ApplyOptions extends StoreOptions {
  /** Names the image gets, each `NAME:TAG`. */
  readonly names?: readonly string[] | undefined;
  /**
   * Processors to use; 1 unless given. With 2, a thread decodes all slow streams, and layers whose blobs were compressed in
   * blocks are compressed on two threads, for some 30 MB more. The result is the same.
   */
  readonly threads?: number | undefined;
}

export interface ApplyResult extends Published {
  /** The whole image was there before; only names were given. */
  readonly wasThere: boolean;
  /** Layers that were written. */
  readonly writtenLayers: number;
}

/**
 * Makes the patch's target in `sink`. `openBase` is called only when something is to be taken from a base, and the image
 * it gives is closed again; patch and sink stay the caller's. Throws BASE_MISMATCH, RESULT_MISMATCH, CORRUPT_INPUT, LIMIT,
 * STORAGE and what the stores throw.
 */
export async function applyPatch(
  patch: PatchReader,
  openBase: () => Promise<OpenedImage>,
  sink: ImageSink,
  options: ApplyOptions,
): Promise<ApplyResult> {
  assertThreads(options.threads ?? 1);
  const { header } = patch;
  const target = targetOf(header, patch.documents);
  assertBlobs(header, sink);
  const names = options.names ?? [];
  let base: OpenedImage | undefined;
  try {
    if ((await sink.find(target)) !== undefined) {
      return { ...(await sink.commit(target, names)), wasThere: true, writtenLayers: 0 };
    }
    if (header.base.layers.length > 0) {
      base = await openBase();
      assertBase(header, base);
    }
    const missing = await sink.begin(target);
    await writeLayers(patch, base, sink, missing, options);
    await patch.finish();
    options.signal?.throwIfAborted();
    return { ...(await sink.commit(target, names)), wasThere: false, writtenLayers: missing.length };
  } catch (error) {
    await sink.abort();
    throw error;
  } finally {
    await base?.close();
  }
}

/** Throws USAGE. */
export function assertThreads(threads: number): void {
  if (Number.isInteger(threads) && threads > 0) return;
  throw new DidiffError('USAGE', `there can't be ${threads} threads: expected a whole number from 1 on`);
}

/** Makes the layers at `missing`, in that order, and puts them into `sink`. The base must have been asserted. */
export async function writeLayers(
  patch: PatchReader,
  base: OpenedImage | undefined,
  sink: Pick<ImageSink, 'takes' | 'directory' | 'putLayer'>,
  missing: readonly number[],
  options: ApplyOptions,
): Promise<void> {
  const { header } = patch;
  const wanted = { header, layers: missing, takes: sink.takes };
  const places = await findBaseBlobs(wanted, base, options);
  const isOwn = (digest: Digest) => places.has(digest);
  const baseLayers = baseLayersFor(wanted, isOwn);
  const made = layersFromOps(wanted, isOwn);
  const hasThread = wantsThread([...made.values()], options.threads);
  const needs = needsOf({ ...wanted, baseLayers, base, hasThread });
  assertNeeds(needs, options.tempDirectory, sink.directory);
  const decoding = openDecodeAhead(made, options.threads);
  const enter = async (position: number): Promise<LayerStreams> => {
    const wantedStreams = streamsFor(header.target.layers[position]!, sink.takes);
    return decoding.begin(position, await patch.enterLayer(position, wantedStreams));
  };
  try {
    // While the base is proved, the first layer's streams are decoded.
    let entered = missing.length > 0 ? await enter(missing[0]!) : undefined;
    const { own, space } = await openBaseBlobs(wanted, base, places, options);
    const tars = base === undefined ? [] : await openBaseTars(header, base, baseLayers, options);
    const content = baseContent(header, tars, space);
    const progress = meter(needs.outputBytes, options);
    for (const position of missing) {
      const layer = header.target.layers[position]!;
      const streams = entered ?? (await enter(position));
      entered = undefined;
      const pieces = layerPieces(layer, streams, content, own, sink.takes, options);
      await sink.putLayer(position, progress(pieces));
    }
  } finally {
    await decoding.close();
  }
}

type Meter = (pieces: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>;

/** Reports the bytes of all layers as one run. */
function meter(totalBytes: number, { onProgress }: StoreOptions): Meter {
  let doneBytes = 0;
  return async function* (pieces) {
    for await (const piece of pieces) {
      yield piece;
      doneBytes += piece.length;
      onProgress?.({ phase: 'applying', doneBytes, totalBytes });
    }
  };
}
