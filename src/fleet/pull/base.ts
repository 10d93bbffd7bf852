/**
 * The base of a patch, put together from what is here: one image that has all of it, or layers of several images and of
 * the cache. Which layers are taken from where makes no difference: each is proved by its digest.
 */
import type { RandomAccess } from '../../bytes/access.ts';
import { type Digest, shortDigest } from '../../bytes/digest.ts';
import type { FileAccess } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import { parseManifest, rawDocument } from '../../image/manifest.ts';
import { OCI_CONFIG, OCI_LAYER_TAR, OCI_MANIFEST } from '../../image/media-types.ts';
import type { ImageMetadata, LayerTar, OpenedImage, StoreOptions } from '../../image/store.ts';
import type { Cache } from '../../stores/cache/cache.ts';
import { type LayerContent, openLayerContent } from '../../stores/layer-content.ts';
import type { Holding } from './holdings.ts';
import { type KeptLayer, listKeptLayers } from './layers.ts';

/** Opens what has the layers `needed`. Throws BASE_MISMATCH when that isn't all here. */
export async function openBase(
  needed: readonly Digest[],
  holdings: readonly Holding[],
  cache: Cache,
  options: StoreOptions,
): Promise<OpenedImage> {
  const whole = holdings.find(({ diffIds }) => needed.every((diffId) => diffIds.includes(diffId)));
  if (whole !== undefined) return await whole.open();
  const kept = listKeptLayers(cache);
  const missing = new Set(needed.filter((diffId) => !kept.some((layer) => layer.diffId === diffId)));
  const images: OpenedImage[] = [];
  try {
    for (const holding of chooseHoldings(missing, holdings)) images.push(await holding.open());
    return await joinImages(kept, images, cache, options);
  } catch (error) {
    for (const image of images) await image.close();
    throw error;
  }
}

/** Few images that have everything in `missing`, the one with the most first. */
function chooseHoldings(missing: Set<Digest>, holdings: readonly Holding[]): readonly Holding[] {
  const chosen: Holding[] = [];
  while (missing.size > 0) {
    const count = ({ diffIds }: Holding) => diffIds.filter((diffId) => missing.has(diffId)).length;
    const best = holdings.reduce<Holding | undefined>(
      (before, next) => (count(next) > (before === undefined ? 0 : count(before)) ? next : before),
      undefined,
    );
    if (best === undefined) throw lacks([...missing]);
    for (const diffId of best.diffIds) missing.delete(diffId);
    chosen.push(best);
  }
  return chosen;
}

/** Where a layer of the joined image is. */
interface Place {
  readonly diffId: Digest;
  /** Its blob, where that is known and can be had. */
  readonly blob: { readonly digest: Digest; readonly sizeBytes: number } | undefined;
  readonly image?: { readonly opened: OpenedImage; readonly position: number } | undefined;
  readonly kept?: KeptLayer | undefined;
}

async function joinImages(
  kept: readonly KeptLayer[],
  images: readonly OpenedImage[],
  cache: Cache,
  options: StoreOptions,
): Promise<OpenedImage> {
  const places = [...placesOfKept(kept, cache), ...(await placesOfImages(images, options))];
  const files = openKeptFiles(cache);
  return {
    name: [...(kept.length > 0 ? ['the cache'] : []), ...images.map(({ name }) => name)].join(' and '),
    diffIds: places.map(({ diffId }) => diffId),
    platform: images[0]?.platform ?? { os: 'linux', architecture: 'unknown' },
    hasBlobs: places.every(({ blob }) => blob !== undefined),
    readMetadata: async () => describePlaces(places),
    async openTars(positions, options) {
      const found = new Map<Place, RandomAccess>();
      const wanted = positions.map((position) => places[position]!);
      for (const place of wanted)
        if (place.kept !== undefined) found.set(place, await files.openTar(place.kept, options));
      // An engine gives what is asked for at once in one stream.
      for (const opened of images) {
        const here = wanted.filter(({ image }) => image?.opened === opened);
        const tars = await opened.openTars(
          here.map(({ image }) => image!.position),
          options,
        );
        for (const [i, place] of here.entries()) found.set(place, tars[i]!.content);
      }
      return wanted.map((place): LayerTar => ({ diffId: place.diffId, content: found.get(place)! }));
    },
    async openBlobs(positions, options) {
      const found: RandomAccess[] = [];
      for (const { kept, image } of positions.map((position) => places[position]!)) {
        if (kept !== undefined) found.push(await files.openStored(kept, options));
        else found.push((await image!.opened.openBlobs([image!.position], options))[0]!);
      }
      return found;
    },
    async close() {
      files.close();
      for (const image of images) await image.close();
    },
  };
}

function placesOfKept(kept: readonly KeptLayer[], cache: Cache): readonly Place[] {
  return kept.map((layer) => ({
    diffId: layer.diffId,
    blob: { digest: layer.stored, sizeBytes: cache.presentBytes(layer.name) },
    kept: layer,
  }));
}

async function placesOfImages(
  images: readonly OpenedImage[],
  options: StoreOptions,
): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const opened of images) {
    const { manifest } = opened.hasBlobs ? await opened.readMetadata(options) : {};
    const blobs = manifest === undefined ? [] : parseManifest(manifest.bytes, opened.name).layers;
    for (const [position, diffId] of opened.diffIds.entries())
      places.push({ diffId, blob: blobs[position], image: { opened, position } });
  }
  return places;
}

/** Layers of the cache, open until `close`. */
function openKeptFiles(cache: Cache) {
  const files = new Map<string, FileAccess>();
  const contents: LayerContent[] = [];
  const openStored = async (layer: KeptLayer, { signal }: StoreOptions): Promise<FileAccess> => {
    const before = files.get(layer.name);
    if (before !== undefined) return before;
    const file = await cache.find(layer.name, layer.stored, signal);
    if (file === undefined) throw lacks([layer.diffId]);
    files.set(layer.name, file);
    return file;
  };
  return {
    openStored,
    async openTar(layer: KeptLayer, options: StoreOptions): Promise<RandomAccess> {
      const wanted = { what: `layer ${layer.diffId} of the cache`, diffId: layer.diffId };
      const content = await openLayerContent(await openStored(layer, options), wanted, options);
      contents.push(content);
      return content.content;
    },
    close(): void {
      for (const content of contents) content.close();
      for (const file of files.values()) file.close();
    },
  };
}

/** A manifest of the joined layers: where their blobs are found, by digest. No store ever sees it. */
function describePlaces(places: readonly Place[]): ImageMetadata {
  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const config = rawDocument(
    encode({ rootfs: { diff_ids: places.map(({ diffId }) => diffId) } }),
    OCI_CONFIG,
  );
  const layers = places.map(({ blob }) => ({
    mediaType: OCI_LAYER_TAR,
    digest: blob!.digest,
    size: blob!.sizeBytes,
  }));
  if (places.some(({ blob }) => blob === undefined)) return { config };
  const manifest = encode({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: config.digest, size: config.bytes.length },
    layers,
  });
  return { config, manifest: rawDocument(manifest, OCI_MANIFEST) };
}

function lacks(diffIds: readonly Digest[]): DidiffError {
  return new DidiffError(
    'BASE_MISMATCH',
    `the layers ${diffIds.map(shortDigest).join(', ')} that a patch starts from are not here`,
    { data: { missing: diffIds } },
  );
}
