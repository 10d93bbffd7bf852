/** Which local image can be the base of a patch: one that has all the layers the patch reads from. */
import type { Digest } from '../../bytes/digest.ts';
import { type LayeredImage, listLayeredImages } from './images.ts';
import type { Engine } from './kind.ts';

/** An image that could be a base. */
export interface BaseCandidate {
  readonly id: Digest;
  readonly names: readonly string[];
  readonly diffIds: readonly Digest[];
}

/** The image that comes nearest to being a base. */
export interface ClosestImage extends BaseCandidate {
  /** The needed layers it lacks, in the order they were asked for. */
  readonly missing: readonly Digest[];
}

/** An image with all `needed` layers: of several, one with a name, then the newest, then the first by ID. */
export async function findImageWithLayers(
  engine: Engine,
  needed: readonly Digest[],
  signal?: AbortSignal,
): Promise<BaseCandidate | undefined> {
  const closest = await closestImage(engine, needed, signal);
  if (closest === undefined || closest.missing.length > 0) return undefined;
  return { id: closest.id, names: closest.names, diffIds: closest.diffIds };
}

/** The image with the most of the `needed` layers, by the same order; undefined when the engine has no images. */
export async function closestImage(
  engine: Engine,
  needed: readonly Digest[],
  signal?: AbortSignal,
): Promise<ClosestImage | undefined> {
  return chooseClosest(await listLayeredImages(engine, signal), needed);
}

/** The choice itself: total, so that equal stores give equal answers. */
export function chooseClosest(
  images: readonly LayeredImage[],
  needed: readonly Digest[],
): ClosestImage | undefined {
  const best = rankByLayers(images, needed)[0];
  if (best === undefined) return undefined;
  const { id, names, diffIds } = best.image;
  return { id, names, diffIds, missing: best.missing };
}

/** Images with what they lack of `needed`, the most fitting first. */
export function rankByLayers(
  images: readonly LayeredImage[],
  needed: readonly Digest[],
): readonly { readonly image: LayeredImage; readonly missing: readonly Digest[] }[] {
  return images
    .map((image) => {
      const has = new Set(image.diffIds);
      return { image, missing: needed.filter((diffId) => !has.has(diffId)) };
    })
    .sort(
      (a, b) =>
        a.missing.length - b.missing.length ||
        Number(b.image.names.length > 0) - Number(a.image.names.length > 0) ||
        b.image.created - a.image.created ||
        (a.image.id < b.image.id ? -1 : 1),
    );
}
