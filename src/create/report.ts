/** What `create` tells: per layer how it is made, what it costs in the patch, and how its blob gets exact. */
import type { Digest } from '../bytes/digest.ts';
import type { Compression } from '../image/media-types.ts';
import { type BlobSource, needsBaseBlobs, type PatchHeader, type TarSource } from '../patch/header.ts';
import type { FileCounts } from './delta-layer.ts';
import type { Plan } from './plan.ts';
import type { BlobPlan } from './plan-blob.ts';

export interface LayerReport {
  readonly diffId: Digest;
  readonly tarBytes: number;
  readonly how: TarSource['kind'];
  /** Coded bytes of all its streams in the patch. */
  readonly patchBytes: number;
  readonly blob?: {
    readonly digest: Digest;
    readonly sizeBytes: number;
    readonly source: BlobSource;
    /** With a recipe: the encoder it models, its size, and how much of it corrects the model. */
    readonly encoder?: string;
    readonly recipeBytes?: number;
    readonly correctionsBytes?: number;
    /** With copies: what is taken from the base's blobs; the rest is in the patch. */
    readonly copiedBytes?: number;
    /** Where it was carried or copied because no recipe makes it: how it is compressed. */
    readonly compression?: Compression;
  };
}

export interface CreateReport {
  readonly patchBytes: number;
  readonly base: string;
  readonly target: string;
  readonly layers: readonly LayerReport[];
  readonly files: Readonly<FileCounts>;
  /** Bytes a plain pull of the layers that the base lacks would move; undefined when the target has no blobs. */
  readonly pullBytes: number | undefined;
  /** Whether the target's manifest comes out exactly: true, or false with `--no-blobs`; undefined when it has none. */
  readonly exactManifest: boolean | undefined;
  /** Whether stores that keep blobs must have the base's own to take the patch. */
  readonly needsBaseBlobs: boolean;
  /** Why the patch that was made first was not right, where this one was made instead, more plainly; there only then. */
  readonly unproved?: string;
}

/** `names` are the images' as the caller gave them. */
export function reportOf(
  names: { readonly base: string; readonly target: string },
  header: PatchHeader,
  patchBytes: number,
  plan: Plan,
  files: FileCounts,
): CreateReport {
  const layers = header.target.layers.map((layer, position): LayerReport => {
    const { blob } = plan.layers[position]!;
    return {
      diffId: layer.diffId,
      tarBytes: layer.tarBytes,
      how: layer.tar.kind,
      patchBytes: layer.streams.reduce((sum, { codedBytes }) => sum + codedBytes, 0),
      ...(blob === undefined ? {} : { blob: blobReport(blob) }),
    };
  });
  const hasManifest = plan.metadata.manifest !== undefined;
  return {
    patchBytes,
    ...names,
    layers,
    files,
    pullBytes: hasManifest
      ? layers.reduce((sum, { how, blob }) => sum + (how === 'base' ? 0 : (blob?.sizeBytes ?? 0)), 0)
      : undefined,
    exactManifest: hasManifest ? layers.every(({ blob }) => blob?.source !== 'none') : undefined,
    needsBaseBlobs: needsBaseBlobs(header),
  };
}

function blobReport(blob: BlobPlan): NonNullable<LayerReport['blob']> {
  const { descriptor, source, encoder = '', recipe, correctionsBytes = 0, copies, compression } = blob;
  return {
    digest: descriptor.digest,
    sizeBytes: descriptor.sizeBytes,
    source,
    ...(source === 'recipe' ? { encoder, recipeBytes: recipe!.length, correctionsBytes } : {}),
    ...(source === 'copies' ? { copiedBytes: copies!.copiedBytes } : {}),
    ...(compression === undefined ? {} : { compression }),
  };
}
