/**
 * The layers of a patch's target in the form that a destination takes, and what of the base that needs. What comes out is
 * compared with its digest at its end, so that nothing wrong is ever taken for whole.
 */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { type Digest, startDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import type { ImageSink, StoreOptions } from '../image/store.ts';
import type { PatchLayer } from '../patch/header.ts';
import type { LayerStreams } from '../patch/reader.ts';
import {
  type BaseContent,
  carriedPieces,
  copiedPieces,
  recreatedPieces,
  tarPieces,
} from '../rebuild/layer.ts';
import type { BaseBlobs } from './base-blobs.ts';
import type { WantedLayers } from './target.ts';

/** Places in the header's list of base layers that have to be opened to make the missing layers. */
export function baseLayersFor(
  { header, layers, takes }: WantedLayers,
  isOwn: (digest: Digest) => boolean,
): ReadonlySet<number> {
  const places = new Set<number>();
  for (const position of layers) {
    const layer = header.target.layers[position]!;
    if (!makesTar(layer, takes, isOwn)) continue;
    if (layer.tar.kind === 'base') places.add(layer.tar.baseLayer);
    if (layer.tar.kind !== 'delta') continue;
    for (const [place, { addressed }] of header.base.layers.entries()) if (addressed) places.add(place);
  }
  return places;
}

/** The wanted layers whose tars are made from ops, by their places in the target. */
export function layersFromOps(
  { header, layers, takes }: WantedLayers,
  isOwn: (digest: Digest) => boolean,
): ReadonlyMap<number, PatchLayer> {
  const all = layers.map((position) => [position, header.target.layers[position]!] as const);
  return new Map(all.filter(([, layer]) => layer.tar.kind === 'delta' && makesTar(layer, takes, isOwn)));
}

/** Whether the layer's tar is made, for itself or for the blob. */
function makesTar(
  { blob }: PatchLayer,
  takes: ImageSink['takes'],
  isOwn: (digest: Digest) => boolean,
): boolean {
  return takes === 'tar' || blob === undefined || needsTar(blob, isOwn);
}

/** Whether a blob comes out of its tar. A recipe needn't be followed where the base has the very blob. */
function needsTar(blob: NonNullable<PatchLayer['blob']>, isOwn: (digest: Digest) => boolean): boolean {
  return blob.source === 'tar' || (blob.source === 'recipe' && !isOwn(blob.digest));
}

/** The layer in the form that the destination takes, verified: the stream fails at its end when a digest is wrong. */
export function layerPieces(
  layer: PatchLayer,
  streams: LayerStreams,
  base: BaseContent,
  own: BaseBlobs['own'],
  takes: ImageSink['takes'],
  options: StoreOptions & { readonly threads?: number | undefined },
): AsyncGenerator<Uint8Array> {
  const tar = () => verified(tarPieces(layer, streams, base, options), layer.diffId, 'layer', options.signal);
  const { blob } = layer;
  if (takes === 'tar' || blob === undefined || blob.source === 'tar') return tar();
  return verified(blobPieces(), blob.digest, 'blob', options.signal);

  function blobPieces(): AsyncGenerator<Uint8Array> {
    const same = own.get(blob!.digest);
    if (same !== undefined) return readAll(same);
    if (blob!.source === 'recipe') return recreatedPieces(layer, streams, tar(), options);
    return blob!.source === 'copies' ? copiedPieces(layer, streams, base) : carriedPieces(streams);
  }
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
