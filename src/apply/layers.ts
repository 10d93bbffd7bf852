/**
 * The layers of a patch's target in the form that a destination takes, and what of the base that needs. What comes out is
 * compared with its digest at its end, so that nothing wrong is ever taken for whole.
 */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { type Digest, startDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { parseManifest } from '../image/manifest.ts';
import type { ImageSink, OpenedImage, StoreOptions } from '../image/store.ts';
import type { PatchHeader, PatchLayer } from '../patch/header.ts';
import type { LayerStreams } from '../patch/reader.ts';
import { type BaseContent, carriedPieces, recreatedPieces, tarPieces } from '../rebuild/layer.ts';

/** Which layers are to be made, by their positions, and in which form. */
export interface WantedLayers {
  readonly header: PatchHeader;
  readonly layers: readonly number[];
  readonly takes: ImageSink['takes'];
}

/** Places in the header's list of base layers that have to be opened to make the missing layers. */
export function baseLayersFor(
  { header, layers, takes }: WantedLayers,
  base: OpenedImage | undefined,
): ReadonlySet<number> {
  const places = new Set<number>();
  for (const position of layers) {
    const { tar, blob } = header.target.layers[position]!;
    if (tar.kind === 'delta') {
      for (const [place, { addressed }] of header.base.layers.entries()) if (addressed) places.add(place);
    } else if (tar.kind === 'base') {
      const copied =
        takes === 'blob' && (blob?.source === 'base' || blob?.source === 'carried') && base?.hasBlobs;
      if (!copied) places.add(tar.baseLayer);
    }
  }
  return places;
}

/** Blobs that are to be copied from the base's own, by digest. Throws BASE_MISMATCH when the base lacks one. */
export async function openBaseBlobs(
  { header, layers: positions, takes }: WantedLayers,
  base: OpenedImage,
  options: StoreOptions,
): Promise<ReadonlyMap<Digest | undefined, RandomAccess>> {
  const wanted = positions.flatMap((position) => {
    const { blob } = header.target.layers[position]!;
    return takes === 'blob' && blob?.source === 'base' ? [blob.digest] : [];
  });
  if (wanted.length === 0) return new Map();
  const manifest = base.hasBlobs ? (await base.readMetadata(options)).manifest : undefined;
  const layers =
    manifest === undefined ? [] : parseManifest(manifest.bytes, `the manifest of ${base.name}`).layers;
  const places = wanted.map((digest) => layers.findIndex((layer) => layer.digest === digest));
  const absent = wanted.filter((_, i) => places[i]! < 0);
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
  const blobs = await base.openBlobs(places, options);
  return new Map(wanted.map((digest, i) => [digest, blobs[i]!]));
}

/** The layer in the form that the destination takes, verified: the stream fails at its end when a digest is wrong. */
export function layerPieces(
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
