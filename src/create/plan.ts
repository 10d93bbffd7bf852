/**
 * Decides how each layer of the target is made, before any matching: which are the base's own, which are carried as
 * blobs, which are deltas, and how each blob gets exact. The plan is data; nothing is written yet.
 */
import type { RandomAccess } from '../bytes/access.ts';
import type { Digest } from '../bytes/digest.ts';
import { findRecipe } from '../deflate/find.ts';
import { DidiffError } from '../errors.ts';
import { type Descriptor, parseIndex, parseManifest } from '../image/manifest.ts';
import type { ImageMetadata, OpenedImage, StoreOptions } from '../image/store.ts';
import { MAX_RECIPE_BYTES } from '../patch/format.ts';
import type { BlobSource, TarSource } from '../patch/header.ts';

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

export interface BlobPlan {
  readonly descriptor: Descriptor;
  readonly source: BlobSource;
  /** With source `recipe`. */
  readonly recipe?: Uint8Array;
  /** With source `recipe`: the encoder in words, and how much of the recipe corrects it. */
  readonly encoder?: string;
  readonly correctionsBytes?: number;
  /** With source `carried`. */
  readonly content?: RandomAccess;
}

export interface PlanOptions extends StoreOptions {
  /** Whether blobs are to be exact. */
  readonly blobs: boolean;
}

export interface Plan {
  readonly metadata: ImageMetadata;
  readonly layers: readonly LayerPlan[];
}

/** A recipe larger than this share of its blob isn't worth it: the delta comes on top. */
const MAX_RECIPE_SHARE = 0.1;
/** A recipe without corrections is worth it even for the smallest blob: its layer is then a delta too. */
const MIN_RECIPE_BYTES = 256;

export async function planLayers(
  base: OpenedImage,
  target: OpenedImage,
  options: PlanOptions,
): Promise<Plan> {
  const same = target.diffIds.map((diffId) => {
    const position = base.diffIds.indexOf(diffId);
    return position < 0 ? undefined : position;
  });
  const baseBlobs = target.hasBlobs && base.hasBlobs ? await blobDigests(base, options) : new Set<Digest>();
  // Blobs first: an engine hands everything out as one stream, and what passed is not fetched again.
  const early = target.hasBlobs ? parseManifestOf(await target.readMetadata(options)) : undefined;
  const wanted = target.diffIds.map((diffId, position) => {
    const descriptor = early?.[position];
    if (descriptor === undefined || !options.blobs || descriptor.digest === diffId) return false;
    return !(same[position] !== undefined && baseBlobs.has(descriptor.digest));
  });
  const positions = [...wanted.keys()];
  const blobPositions = positions.filter((position) => wanted[position]);
  const blobs = await target.openBlobs(blobPositions, options);
  const tarPositions = positions.filter((position) => wanted[position] || same[position] === undefined);
  const tars = await target.openTars(tarPositions, options);
  const layers: LayerPlan[] = [];
  for (const position of positions) {
    const tar = tars[tarPositions.indexOf(position)]?.content;
    const blob =
      early && (await planBlob(early[position]!, position, blobs[blobPositions.indexOf(position)]));
    const unshared = blob?.source === 'carried' ? 'blob' : 'delta';
    layers.push({
      position,
      diffId: target.diffIds[position]!,
      samePosition: same[position],
      how: same[position] === undefined ? unshared : 'base',
      tar: same[position] === undefined ? tar : undefined,
      blob,
    });

    async function planBlob(
      descriptor: Descriptor,
      at: number,
      content: RandomAccess | undefined,
    ): Promise<BlobPlan> {
      if (descriptor.digest === target.diffIds[at]) return { descriptor, source: 'tar' };
      if (same[at] !== undefined && baseBlobs.has(descriptor.digest)) return { descriptor, source: 'base' };
      if (content === undefined || tar === undefined) return { descriptor, source: 'none' };
      const found = await findRecipe(content, tar, {
        signal: options.signal,
        onProgress: (doneBytes, totalBytes) =>
          options.onProgress?.({ phase: 'finding the encoder', doneBytes, totalBytes }),
      });
      const worthBytes = Math.max(MIN_RECIPE_BYTES, content.sizeBytes * MAX_RECIPE_SHARE);
      if (found === undefined || found.recipe.length > Math.min(worthBytes, MAX_RECIPE_BYTES)) {
        return { descriptor, source: 'carried', content };
      }
      const { recipe, model: encoder, correctionsBytes } = found;
      return { descriptor, source: 'recipe', recipe, encoder, correctionsBytes };
    }
  }
  const metadata = await target.readMetadata(options);
  assertNotNested(target.name, metadata);
  return { metadata, layers };
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

function parseManifestOf(metadata: ImageMetadata): readonly Descriptor[] | undefined {
  return metadata.manifest && parseManifest(metadata.manifest.bytes, "the target's manifest").layers;
}

async function blobDigests(base: OpenedImage, options: StoreOptions): Promise<ReadonlySet<Digest>> {
  return new Set(parseManifestOf(await base.readMetadata(options))?.map(({ digest }) => digest));
}
