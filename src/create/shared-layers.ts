/**
 * Which layers the images of an index have in common and would be sent more than once, and what they can all be made from.
 * Pure: digests and sizes go in, places come out.
 */
import type { Digest } from '../bytes/digest.ts';

/** An image of the target's index, with the base it is made from. */
export interface SharingImage {
  /** Whether receivers have an image for its platform. */
  readonly hasBase: boolean;
  /** Layers of the base. */
  readonly base: readonly Digest[];
  readonly layers: readonly {
    readonly diffId: Digest;
    readonly blob: Digest;
    /** What it takes in a patch for this image alone. */
    readonly patchBytes: number;
  }[];
}

export interface Place {
  /** Of which of the images. */
  readonly image: number;
  readonly position: number;
}

export interface SharedLayers {
  /** Each once, where it is first. */
  readonly layers: readonly (Place & { readonly diffId: Digest })[];
  /** Images that take any of them, ascending. */
  readonly users: readonly number[];
  /** Layers that the bases of all these have, as places in the base of the first. */
  readonly base: readonly Place[];
  /** What they take in all when each image has its own. */
  readonly patchBytes: number;
}

/**
 * Undefined when no layer is sent twice. What has no base shares with its like only: a layer that it could make would be made
 * of nothing, and cost the others their base.
 */
export function findSharedLayers(images: readonly SharingImage[]): SharedLayers | undefined {
  return findAmong(images, true) ?? findAmong(images, false);
}

function findAmong(images: readonly SharingImage[], based: boolean): SharedLayers | undefined {
  const uses = new Map<string, (Place & { readonly diffId: Digest; readonly patchBytes: number })[]>();
  for (const [image, { hasBase, base, layers }] of images.entries()) {
    if (hasBase !== based) continue;
    const seen = new Set(base);
    for (const [position, { diffId, blob, patchBytes }] of layers.entries()) {
      if (seen.has(diffId)) continue;
      seen.add(diffId);
      // The same tar may be compressed in two ways.
      const key = `${diffId} ${blob}`;
      uses.set(key, [...(uses.get(key) ?? []), { image, position, diffId, patchBytes }]);
    }
  }
  const shared = [...uses.values()].filter(({ length }) => length > 1);
  if (shared.length === 0) return undefined;
  const users = [...new Set(shared.flat().map(({ image }) => image))].sort((a, b) => a - b);
  const first = users[0]!;
  const base = [...images[first]!.base.entries()]
    .filter(([position, diffId]) => images[first]!.base.indexOf(diffId) === position)
    .filter(([, diffId]) => users.every((user) => images[user]!.base.includes(diffId)))
    .map(([position]) => ({ image: first, position }));
  return {
    layers: shared.map(([place]) => place!),
    users,
    base,
    patchBytes: shared.flat().reduce((sum, { patchBytes }) => sum + patchBytes, 0),
  };
}
