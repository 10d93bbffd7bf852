/**
 * Decides how one blob of the target gets exact: by a recipe, by copies from the base's blobs, or carried. Recipes are
 * proved before they are chosen; whether copies are worth what the layer's tar costs besides shows only when that is coded.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { findRecipe } from '../deflate/find.ts';
import type { Descriptor } from '../image/manifest.ts';
import { type Compression, compressionOf } from '../image/media-types.ts';
import type { StoreOptions } from '../image/store.ts';
import { MAX_RECIPE_BYTES } from '../patch/format.ts';
import type { BlobSource } from '../patch/header.ts';
import { type BlobCopies, type BlobSpace, copiesBytes, findCopies } from './blob-copies.ts';

export interface BlobPlan {
  readonly descriptor: Descriptor;
  readonly source: BlobSource;
  /** With source `recipe`. */
  readonly recipe?: Uint8Array;
  /** With source `recipe`: the encoder in words, and how much of the recipe corrects it. */
  readonly encoder?: string;
  readonly correctionsBytes?: number;
  /** With sources `carried` and `copies`. */
  readonly content?: RandomAccess;
  readonly compression?: Compression;
  /** With source `copies`. */
  readonly copies?: BlobCopies;
}

/**
 * What is known of a blob before it is looked at: it is the tar; the base has the very blob; it is another; or it is to be
 * left out.
 */
export type BlobKind = 'plain' | 'shared' | 'other' | 'left out';

export interface BlobToPlan {
  readonly descriptor: Descriptor;
  readonly kind: BlobKind;
  /** Blob and tar, where they were opened. */
  readonly content: RandomAccess | undefined;
  readonly tar: RandomAccess | undefined;
}

/** A recipe larger than this share of its blob isn't worth it: the delta comes on top. */
const MAX_RECIPE_SHARE = 0.1;
/** A recipe without corrections is worth it even for the smallest blob: its layer is then a delta too. */
const MIN_RECIPE_BYTES = 256;
/** A blob that the base has needs a recipe only where the base is of a store that keeps no blobs. */
const MAX_SHARED_RECIPE_BYTES = 64;

/** `openSpace` gives the base's blobs; undefined where receivers can't be expected to have them. */
export async function planBlob(
  { descriptor, kind, content, tar }: BlobToPlan,
  openSpace: () => Promise<BlobSpace | undefined>,
  options: StoreOptions,
): Promise<BlobPlan> {
  if (kind === 'plain') return { descriptor, source: 'tar' };
  if (content === undefined || tar === undefined)
    return { descriptor, source: kind === 'shared' ? 'base' : 'none' };
  const isShared = kind === 'shared';
  const found = await findRecipe(content, tar, {
    signal: options.signal,
    corrections: !isShared,
    onProgress: (doneBytes, totalBytes) =>
      options.onProgress?.({ phase: 'finding the encoder', doneBytes, totalBytes }),
  });
  const worthBytes = isShared
    ? MAX_SHARED_RECIPE_BYTES
    : Math.min(Math.max(MIN_RECIPE_BYTES, content.sizeBytes * MAX_RECIPE_SHARE), MAX_RECIPE_BYTES);
  if (found !== undefined && found.recipe.length <= worthBytes) {
    const { recipe, model: encoder, correctionsBytes } = found;
    return { descriptor, source: 'recipe', recipe, encoder, correctionsBytes };
  }
  if (isShared) return { descriptor, source: 'base' };
  const carried = { descriptor, content, compression: compressionAt(content) };
  const space = await openSpace();
  const copies = space && (await findCopies(content, space, options));
  if (copies === undefined || copiesBytes(copies, content.sizeBytes) >= content.sizeBytes)
    return { ...carried, source: 'carried' };
  return { ...carried, source: 'copies', copies };
}

function compressionAt(content: RandomAccess): Compression {
  const start = new Uint8Array(Math.min(4, content.sizeBytes));
  content.readAt(0, start);
  return compressionOf(start);
}
