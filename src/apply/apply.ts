/**
 * Applies a patch: proves the base, rebuilds what the destination lacks as a stream, verifies every byte on its way, and
 * publishes last. Whatever fails, the destination is left as it was.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { readPieces } from '../bytes/access.ts';
import { type Digest, startDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { parseManifest } from '../image/manifest.ts';
import type { ImageSink, OpenedImage, Published, StoreOptions } from '../image/store.ts';
import type { PatchLayer } from '../patch/header.ts';
import type { LayerStreams, PatchReader } from '../patch/reader.ts';
import {
  type BaseContent,
  baseContent,
  carriedPieces,
  recreatedPieces,
  tarPieces,
} from '../rebuild/layer.ts';
import { assertBase, openBaseTars } from './base.ts';
import { assertNeeds, needsOf } from './needs.ts';
import { assertBlobs, targetOf } from './target.ts';

export interface ApplyOptions extends StoreOptions {
  /** Names the image gets, each `NAME:TAG`. */
  readonly names?: readonly string[] | undefined;
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

async function writeLayers(
  patch: PatchReader,
  base: OpenedImage | undefined,
  sink: ImageSink,
  missing: readonly number[],
  options: ApplyOptions,
): Promise<void> {
  const { header } = patch;
  const baseLayers = baseLayersFor(patch, missing, sink, base);
  const needs = needsOf({ header, baseLayers, layers: missing, takes: sink.takes });
  assertNeeds(needs, options.tempDirectory, sink.directory);
  const blobs = base === undefined ? new Map() : await openBaseBlobs(patch, missing, sink, base, options);
  const tars = base === undefined ? [] : await openBaseTars(header, base, baseLayers, options);
  const content = baseContent(header, tars);
  const progress = meter(needs.outputBytes, options);
  for (const position of missing) {
    const layer = header.target.layers[position]!;
    const streams = await patch.enterLayer(position);
    const pieces = layerPieces(layer, streams, content, blobs.get(layer.blob?.digest), sink.takes, options);
    await sink.putLayer(position, progress(pieces));
  }
}

/** Places in the header's list of base layers that have to be opened to make the missing layers. */
function baseLayersFor(
  patch: PatchReader,
  missing: readonly number[],
  sink: ImageSink,
  base: OpenedImage | undefined,
): ReadonlySet<number> {
  const places = new Set<number>();
  for (const position of missing) {
    const { tar, blob } = patch.header.target.layers[position]!;
    if (tar.kind === 'delta') {
      for (const [place, { addressed }] of patch.header.base.layers.entries())
        if (addressed) places.add(place);
    } else if (tar.kind === 'base') {
      const copied =
        sink.takes === 'blob' && (blob?.source === 'base' || blob?.source === 'carried') && base?.hasBlobs;
      if (!copied) places.add(tar.baseLayer);
    }
  }
  return places;
}

/** Blobs that are to be copied from the base's own, by digest. */
async function openBaseBlobs(
  patch: PatchReader,
  missing: readonly number[],
  sink: ImageSink,
  base: OpenedImage,
  options: StoreOptions,
): Promise<ReadonlyMap<Digest | undefined, RandomAccess>> {
  const wanted = missing.flatMap((position) => {
    const { blob } = patch.header.target.layers[position]!;
    return sink.takes === 'blob' && blob?.source === 'base' ? [blob.digest] : [];
  });
  if (wanted.length === 0) return new Map();
  const manifest = base.hasBlobs ? (await base.readMetadata(options)).manifest : undefined;
  const layers =
    manifest === undefined ? [] : parseManifest(manifest.bytes, `the manifest of ${base.name}`).layers;
  const positions = wanted.map((digest) => layers.findIndex((layer) => layer.digest === digest));
  const absent = wanted.filter((_, i) => positions[i]! < 0);
  if (absent.length > 0) {
    throw new DidiffError(
      'BASE_MISMATCH',
      `${base.name} does not have the compressed layer ${absent[0]} that the target shares`,
      {
        hint: 'Its layers are right, but not as they were compressed: apply to a classic engine or a docker-archive, or take the base from the registry.',
        data: { absent },
      },
    );
  }
  const blobs = await base.openBlobs(positions, options);
  return new Map(wanted.map((digest, i) => [digest, blobs[i]!]));
}

/** The layer in the form that the destination takes, verified: the stream fails at its end when a digest is wrong. */
function layerPieces(
  layer: PatchLayer,
  streams: LayerStreams,
  base: BaseContent,
  baseBlob: RandomAccess | undefined,
  takes: ImageSink['takes'],
  options: StoreOptions,
): AsyncGenerator<Uint8Array> {
  const tar = () => verified(tarPieces(layer, streams, base, options), layer.diffId, 'layer', options.signal);
  const { blob } = layer;
  if (takes === 'tar' || blob === undefined || blob.source === 'tar') return tar();
  const pieces =
    blob.source === 'recipe'
      ? recreatedPieces(layer, streams, tar(), options)
      : blob.source === 'base'
        ? readAll(baseBlob!)
        : carriedPieces(streams);
  return verified(pieces, blob.digest, 'blob', options.signal);
}

async function* readAll(bytes: RandomAccess): AsyncGenerator<Uint8Array> {
  yield* readPieces(bytes);
}

async function* verified(
  pieces: AsyncIterable<Uint8Array>,
  expected: Digest,
  what: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const digest = startDigest();
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    digest.update(piece);
    yield piece;
  }
  const found = digest.finish();
  if (found === expected) return;
  throw new DidiffError(
    'RESULT_MISMATCH',
    `a ${what} came out as ${found}; expected ${expected}. Nothing was published`,
    {
      hint: 'The patch is not for this base, or was made by something else than didiff. Run `didiff check` on it.',
      data: { found, expected },
    },
  );
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
