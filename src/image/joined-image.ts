/**
 * Layers of several images as one, for whoever makes or applies a patch: which image a layer is taken from makes no
 * difference, as each is proved by its digest. No store ever sees the documents that it is described by.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { parseManifest, type RawDocument, rawDocument } from './manifest.ts';
import { OCI_CONFIG, OCI_LAYER_TAR, OCI_MANIFEST } from './media-types.ts';
import type { Platform } from './platform.ts';
import type { ImageMetadata, LayerTar, OpenedImage, StoreOptions } from './store.ts';

/** A layer of an opened image. */
export interface LayerPlace {
  readonly image: OpenedImage;
  readonly position: number;
}

/** All layers of an image. */
export function placesIn(image: OpenedImage): readonly LayerPlace[] {
  return [...image.diffIds.keys()].map((position) => ({ image, position }));
}

/** The layers at `places` as an image. The images stay open as long as it is, and stay the caller's to close. */
export function joinLayers(name: string, platform: Platform, places: readonly LayerPlace[]): OpenedImage {
  const diffIds = places.map(({ image, position }) => image.diffIds[position]!);
  const images = [...new Set(places.map(({ image }) => image))];
  // A layer of an image that keeps no blobs is described by its tar.
  const hasBlobs = images.length === 0 || images.some((image) => image.hasBlobs);
  /** An engine gives what is asked for at once in one stream, so each image is asked once. */
  const openAll = async <T>(
    positions: readonly number[],
    open: (image: OpenedImage, inside: readonly number[]) => Promise<readonly T[]>,
  ): Promise<readonly T[]> => {
    const found = new Map<number, T>();
    for (const image of images) {
      const here = positions.filter((at) => places[at]!.image === image);
      if (here.length === 0) continue;
      const opened = await open(
        image,
        here.map((at) => places[at]!.position),
      );
      for (const [i, at] of here.entries()) found.set(at, opened[i]!);
    }
    return positions.map((at) => found.get(at)!);
  };
  return {
    name,
    diffIds,
    platform,
    hasBlobs,
    readMetadata: (options) => describe(places, diffIds, platform, hasBlobs, options),
    openTars: (positions, options) =>
      openAll<LayerTar>(positions, (image, inside) => image.openTars(inside, options)),
    openBlobs: (positions, options) =>
      openAll<RandomAccess>(positions, async (image, inside) =>
        image.hasBlobs
          ? await image.openBlobs(inside, options)
          : (await image.openTars(inside, options)).map(({ content }) => content),
      ),
    scratchBytes(at, tarBytes) {
      const { image, position } = places[at]!;
      return image.scratchBytes?.(position, tarBytes) ?? tarBytes;
    },
    close: async () => {},
  };
}

async function describe(
  places: readonly LayerPlace[],
  diffIds: OpenedImage['diffIds'],
  platform: Platform,
  hasBlobs: boolean,
  options: StoreOptions,
): Promise<ImageMetadata> {
  const config = encode(OCI_CONFIG, { ...platform, rootfs: { type: 'layers', diff_ids: diffIds } });
  if (!hasBlobs) return { config };
  const layers = [];
  for (const [at, { image, position }] of places.entries()) {
    const { manifest } = image.hasBlobs ? await image.readMetadata(options) : {};
    const blob = manifest && parseManifest(manifest.bytes, `the manifest of ${image.name}`).layers[position];
    if (blob === undefined) layers.push({ mediaType: OCI_LAYER_TAR, digest: diffIds[at], size: 0 });
    else layers.push({ mediaType: blob.mediaType, digest: blob.digest, size: blob.sizeBytes });
  }
  const described = { mediaType: OCI_CONFIG, digest: config.digest, size: config.bytes.length };
  return {
    config,
    manifest: encode(OCI_MANIFEST, { schemaVersion: 2, mediaType: OCI_MANIFEST, config: described, layers }),
  };
}

function encode(mediaType: string, value: object): RawDocument {
  return rawDocument(new TextEncoder().encode(JSON.stringify(value)), mediaType);
}
