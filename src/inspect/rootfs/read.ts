/**
 * Reads the trees of two images at once: layers that stand at the bottom of both are walked once, and their entries
 * are the very same objects in both trees, which is how a comparison knows that they are equal.
 */
import { concatAccess, type RandomAccess } from '../../bytes/access.ts';
import type { Digest } from '../../bytes/digest.ts';
import { corrupt } from '../../errors.ts';
import { startPhase } from '../../image/phase.ts';
import type { OpenedImage, StoreOptions } from '../../image/store.ts';
import { AFTER_END, walkTar } from '../../tar/walk.ts';
import type { Tree } from './node.ts';
import { applyEntry, emptyTree } from './tree.ts';

export interface TreePair {
  readonly base: Tree;
  readonly target: Tree;
  /** The size of each layer tar, by diffID. */
  readonly tarBytes: ReadonlyMap<Digest, number>;
}

/** Opens each layer once, even if both images have it. Both images must stay open as long as the trees are used. */
export async function readTrees(
  base: OpenedImage,
  target: OpenedImage,
  options: StoreOptions,
): Promise<TreePair> {
  const baseTars = await base.openTars([...base.diffIds.keys()], options);
  const own = [...target.diffIds.keys()].filter((at) => !base.diffIds.includes(target.diffIds[at]!));
  const targetTars = await target.openTars(own, options);
  const tars = new Map([...baseTars, ...targetTars].map(({ diffId, content }) => [diffId, content]));
  const shared = commonStart(base.diffIds, target.diffIds);
  const layers = target.diffIds.length + base.diffIds.length - shared;
  const total = concatAccess([...base.diffIds, ...target.diffIds.slice(shared)].map((id) => tars.get(id)!));
  const reading = startPhase(`reading ${layers} layers`, total.sizeBytes, options.signal, options.onProgress);
  const trees = { base: emptyTree(), target: emptyTree() };
  const walk = async (into: readonly Tree[], image: OpenedImage, position: number) =>
    await applyLayer(into, tars.get(image.diffIds[position]!)!, position, image.name, reading.tick);
  for (const position of base.diffIds.keys())
    await walk(position < shared ? [trees.base, trees.target] : [trees.base], base, position);
  for (let position = shared; position < target.diffIds.length; position++)
    await walk([trees.target], target, position);
  return { ...trees, tarBytes: new Map([...tars].map(([diffId, tar]) => [diffId, tar.sizeBytes])) };
}

/** How many layers the images have in common, from the lowest up. */
export function commonStart(a: readonly Digest[], b: readonly Digest[]): number {
  const end = a.findIndex((diffId, position) => diffId !== b[position]);
  return end < 0 ? a.length : end;
}

async function applyLayer(
  trees: readonly Tree[],
  tar: RandomAccess,
  position: number,
  imageName: string,
  tick: (bytes: number) => Promise<void>,
): Promise<void> {
  const layer = { position, tar };
  for (const segment of walkTar(tar)) {
    if (segment.kind === 'header') for (const tree of trees) applyEntry(tree, segment.entry, layer);
    if (segment.kind === 'unknown' && segment.reason !== AFTER_END) {
      throw corrupt(
        `layer ${position} of ${imageName} can't be unpacked: the tar header at ${segment.offset} ${segment.reason}`,
        { hint: 'No engine can unpack this image; build or fetch it again.' },
      );
    }
    await tick(segment.sizeBytes);
  }
}
