/**
 * Decides how each layer of the target is made, before any matching: which are the base's own, which are carried as
 * blobs, which are deltas, and how each blob gets exact. The plan is data; nothing is written yet.
 */
import type { RandomAccess } from '../bytes/access.ts';
import type { Digest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { type Descriptor, parseIndex, parseManifest } from '../image/manifest.ts';
import type { ImageMetadata, OpenedImage, StoreOptions } from '../image/store.ts';
import type { TarSource } from '../patch/header.ts';
import { type BlobSpace, openBlobSpace } from './blob-copies.ts';
import { type BlobKind, type BlobPlan, planBlob } from './plan-blob.ts';

export interface LayerPlan {
  readonly position: number;
  readonly diffId: Digest;
  /** The base's layer of the same diffID; undefined when there is none. */
  readonly samePosition: number | undefined;
  readonly how: TarSource['kind'];
  /** Opened only for layers that the base doesn't have. */
  readonly tar: RandomAccess | undefined;
  readonly blob: BlobPlan | undefined;
}

export interface PlanOptions extends StoreOptions {
  /** Whether blobs are to be exact. */
  readonly blobs: boolean;
  /** Whether receivers that keep blobs may be expected to have the base's own. */
  readonly baseBlobs: boolean;
}

export interface Plan {
  readonly metadata: ImageMetadata;
  readonly layers: readonly LayerPlan[];
  /** What copies of the layers' blobs address; undefined where none has any. */
  readonly blobSpace: BlobSpace | undefined;
}

export async function planLayers(
  base: OpenedImage,
  target: OpenedImage,
  options: PlanOptions,
): Promise<Plan> {
  const same = target.diffIds.map((diffId) => {
    const position = base.diffIds.indexOf(diffId);
    return position < 0 ? undefined : position;
  });
  const own = target.hasBlobs && base.hasBlobs && options.baseBlobs ? await layersOf(base, options) : [];
  // Blobs first: an engine hands everything out as one stream, and what passed is not fetched again.
  const descriptors = target.hasBlobs ? await layersOf(target, options) : undefined;
  const kinds = target.diffIds.map((diffId, at): BlobKind => {
    const digest = descriptors?.[at]?.digest;
    if (digest === undefined || digest === diffId) return 'plain';
    if (same[at] !== undefined && own[same[at]]?.digest === digest) return 'shared';
    return options.blobs ? 'other' : 'left out';
  });
  const others = positionsOf(kinds, (kind) => kind === 'other');
  const shared = options.blobs ? positionsOf(kinds, (kind) => kind === 'shared') : [];
  const sharedInBase = shared.map((at) => same[at]!);
  const blobs = byPosition(others, await target.openBlobs(others, options));
  const baseBlobs = byPosition(shared, await base.openBlobs(sharedInBase, options));
  const needed = positionsOf(kinds, (kind, at) => kind === 'other' || same[at] === undefined);
  const tars = byPosition(needed, await target.openTars(needed, options));
  const baseTars = byPosition(shared, await base.openTars(sharedInBase, options));
  const space = lazySpace(base, own, options);
  const layers: LayerPlan[] = [];
  for (const [position, diffId] of target.diffIds.entries()) {
    const tar = tars.get(position)?.content;
    const descriptor = descriptors?.[position];
    const blob =
      descriptor &&
      (await planBlob(
        {
          descriptor,
          kind: kinds[position]!,
          content: blobs.get(position) ?? baseBlobs.get(position),
          tar: tar ?? baseTars.get(position)?.content,
        },
        space.get,
        options,
      ));
    const unshared = blob?.source === 'carried' ? 'blob' : 'delta';
    layers.push({
      position,
      diffId,
      samePosition: same[position],
      how: same[position] === undefined ? unshared : 'base',
      tar: same[position] === undefined ? tar : undefined,
      blob,
    });
  }
  const metadata = await target.readMetadata(options);
  assertNotNested(target.name, metadata);
  return { metadata, layers, blobSpace: await space.close() };
}

/** The base's blobs in one space, when the first blob asks for it. */
function lazySpace(base: OpenedImage, own: readonly Descriptor[], options: StoreOptions) {
  const positions = own.flatMap(({ digest }, position) =>
    digest !== base.diffIds[position] && own.findIndex((each) => each.digest === digest) === position
      ? [position]
      : [],
  );
  const open = async () => {
    const contents = await base.openBlobs(positions, options);
    const blobs = positions.map((position) => {
      const { digest, sizeBytes } = own[position]!;
      return { digest, sizeBytes, position };
    });
    return await openBlobSpace(blobs, contents, options);
  };
  let opened: Promise<BlobSpace> | undefined;
  return {
    get: async () => {
      if (positions.length > 0) opened ??= open();
      return await opened;
    },
    close: async () => {
      (await opened)?.index.close();
      return await opened;
    },
  };
}

function positionsOf(
  kinds: readonly BlobKind[],
  wanted: (kind: BlobKind, position: number) => boolean,
): readonly number[] {
  return [...kinds.keys()].filter((position) => wanted(kinds[position]!, position));
}

function byPosition<T>(positions: readonly number[], items: readonly T[]): ReadonlyMap<number, T> {
  return new Map(positions.map((position, i) => [position, items[i]!]));
}

async function layersOf(image: OpenedImage, options: StoreOptions): Promise<readonly Descriptor[]> {
  const { manifest } = await image.readMetadata(options);
  return manifest === undefined ? [] : parseManifest(manifest.bytes, `the manifest of ${image.name}`).layers;
}

/** A patch carries one index. The image of an index within it would come out with the outer one, which doesn't name it. */
function assertNotNested(name: string, { manifest, index }: ImageMetadata): void {
  if (manifest === undefined || index === undefined) return;
  if (parseIndex(index.bytes, `the index of ${name}`).some(({ digest }) => digest === manifest.digest))
    return;
  throw new DidiffError('UNSUPPORTED', `${name} is an index whose images are in further indexes`, {
    hint: `Name the image itself, by its digest: ${manifest.digest}.`,
  });
}
