/** Which layers two images share, and which each has of its own. */
import type { Digest } from '../../bytes/digest.ts';
import { parseManifest } from '../../image/manifest.ts';
import type { ImageMetadata, OpenedImage } from '../../image/store.ts';
import type { BlobFacts, LayerDiff } from './model.ts';

/** An image as far as its layers go. */
export interface LayeredImage {
  readonly diffIds: readonly Digest[];
  readonly blobs: readonly BlobFacts[] | undefined;
}

export function layeredImage(image: OpenedImage, { manifest }: ImageMetadata): LayeredImage {
  const blobs = manifest && parseManifest(manifest.bytes, `the manifest of ${image.name}`).layers;
  return {
    diffIds: image.diffIds,
    blobs: blobs?.map(({ digest, sizeBytes, mediaType }) => ({ digest, sizeBytes, mediaType })),
  };
}

/** Every layer of either, by its place in the target, else in the base; of one place the base's first. */
export function compareLayers(
  base: LayeredImage,
  target: LayeredImage,
  tarBytes?: ReadonlyMap<Digest, number>,
): readonly LayerDiff[] {
  const left = [...target.diffIds.keys()];
  const layers = base.diffIds.map((diffId, basePosition) => {
    const found = left.findIndex((position) => target.diffIds[position] === diffId);
    return describe(diffId, basePosition, found < 0 ? undefined : left.splice(found, 1)[0]);
  });
  for (const position of left) layers.push(describe(target.diffIds[position]!, undefined, position));
  const placeOf = ({ basePosition, targetPosition }: LayerDiff) => targetPosition ?? basePosition!;
  // The sort is stable, and the base's stand first.
  return layers.sort((a, b) => placeOf(a) - placeOf(b));

  function describe(diffId: Digest, basePosition?: number, targetPosition?: number): LayerDiff {
    const sizeBytes = tarBytes?.get(diffId);
    const baseBlob = basePosition === undefined ? undefined : base.blobs?.[basePosition];
    const targetBlob = targetPosition === undefined ? undefined : target.blobs?.[targetPosition];
    return {
      diffId,
      ...(sizeBytes === undefined ? {} : { tarBytes: sizeBytes }),
      ...(basePosition === undefined ? {} : { basePosition }),
      ...(targetPosition === undefined ? {} : { targetPosition }),
      ...(baseBlob === undefined ? {} : { baseBlob }),
      ...(targetBlob === undefined ? {} : { targetBlob }),
    };
  }
}

/** Whether a layer isn't at the same place, with the same blob where both have one. */
export function differs({ basePosition, targetPosition, baseBlob, targetBlob }: LayerDiff): boolean {
  if (basePosition !== targetPosition) return true;
  return baseBlob !== undefined && targetBlob !== undefined && baseBlob.digest !== targetBlob.digest;
}
