/** What a patch says of itself, as data: from what to what, layer by layer, and where its bytes are. */
import type { Digest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import type { Platform } from '../image/platform.ts';
import type { OpenedImage, StoreOptions } from '../image/store.ts';
import { STREAM_BLOB, STREAM_NAMES, STREAM_RECIPE } from '../patch/format.ts';
import {
  type BlobSource,
  needsBaseBlobs,
  type PatchHeader,
  type PatchLayer,
  type StreamInfo,
  type TarSource,
} from '../patch/header.ts';
import type { PatchReader } from '../patch/reader.ts';
import { layerScratchBytes } from '../patch/scratch.ts';
import { inspectFiles } from './files/inspect-files.ts';
import type { InspectedFiles } from './files/model.ts';
import { sumShares } from './files/sum-shares.ts';

/** The `--json` form of `didiff inspect` (docs/cli.md). */
export interface Inspection {
  readonly writer: string;
  readonly formatVersion: 1;
  readonly patchBytes: number;
  readonly base: {
    readonly name: string;
    /** Layers that applying may read. */
    readonly layers: readonly { readonly diffId: Digest; readonly sizeBytes: number }[];
  };
  readonly target: {
    readonly name: string;
    readonly platform: Platform;
    readonly config: Digest;
    readonly manifest?: Digest;
    readonly index?: Digest;
    readonly layers: readonly InspectedLayer[];
  };
  /** Whether the manifest's digest, and so signatures, hold for the result; absent when the target has no manifest. */
  readonly exactManifest?: boolean;
  readonly needs: {
    /** For the streams and models; the runtime itself comes on top. */
    readonly memoryBytes: number;
    /** Scratch space when the base's store keeps its layers packed. */
    readonly scratchBytes: number;
    readonly targetBytes: number;
    /** Whether stores that keep blobs must have the base's own to take the patch. */
    readonly baseBlobs: boolean;
  };
  /** Coded bytes of each stream, over all layers, and what is header, documents and framing. */
  readonly streams: Readonly<Record<string, number>>;
  /** There when the base was given. */
  readonly files?: InspectedFiles;
}

export interface InspectedLayer {
  /** Among the target's layers, from 0. */
  readonly position: number;
  readonly diffId: Digest;
  readonly tarBytes: number;
  readonly from: TarSource['kind'];
  readonly patchBytes: number;
  /** Coded bytes of each of its streams; they add up to `patchBytes`. */
  readonly streams: Readonly<Record<string, number>>;
  /** How many of its files are executables that are predicted; absent where there are none. */
  readonly predicted?: number;
  readonly blob?: {
    readonly digest: Digest;
    readonly sizeBytes: number;
    readonly mediaType: string;
    readonly from: BlobSource;
    /** With `from` recipe: the encoder it models, and its size, corrections included. */
    readonly encoder?: string;
    readonly recipeBytes?: number;
    readonly correctionsBytes?: number;
    /** With `from` copies: what is taken from the base's blobs; the rest is in the patch. */
    readonly copiedBytes?: number;
  };
}

export interface InspectOptions extends StoreOptions {
  /** The image that the patch was made from. */
  readonly base: OpenedImage;
}

/**
 * Reads the whole patch, so that damage anywhere in it is found; given the base, also makes its layers, to see which
 * files its bytes are for. Throws CORRUPT_INPUT or UNSUPPORTED; with a base also BASE_MISMATCH and what its store throws.
 */
export async function inspectPatch(
  patch: PatchReader,
  patchBytes: () => number,
  options?: InspectOptions,
): Promise<Inspection> {
  const entries = options === undefined ? undefined : await inspectFiles(patch, options.base, options);
  await patch.finish();
  const { header, documents } = patch;
  const { manifest, index } = documents;
  const layers = header.target.layers.map(
    (layer, position): InspectedLayer => ({
      position,
      diffId: layer.diffId,
      tarBytes: layer.tarBytes,
      from: layer.tar.kind,
      patchBytes: layer.streams.reduce((sum, { codedBytes }) => sum + codedBytes, 0),
      streams: sizesOf(layer.streams),
      ...(layer.predicted === undefined ? {} : { predicted: layer.predicted }),
      ...(layer.blob === undefined
        ? {}
        : {
            blob: {
              digest: layer.blob.digest,
              sizeBytes: layer.blob.sizeBytes,
              mediaType: layer.blob.mediaType,
              from: layer.blob.source,
              ...blobDetails(layer),
            },
          }),
    }),
  );
  const sizeBytes = patchBytes();
  return {
    writer: header.writer,
    formatVersion: 1,
    patchBytes: sizeBytes,
    base: {
      name: header.base.name,
      layers: header.base.layers.map(({ diffId, sizeBytes: size }) => ({ diffId, sizeBytes: size })),
    },
    target: {
      name: header.target.name,
      platform: header.target.platform,
      config: documents.config.digest,
      ...(manifest === undefined ? {} : { manifest: manifest.digest }),
      ...(index === undefined ? {} : { index: index.digest }),
      layers,
    },
    ...(manifest === undefined ? {} : { exactManifest: layers.every(({ blob }) => blob?.from !== 'none') }),
    needs: needs(header),
    streams: streamSizes(header, sizeBytes),
    ...(entries === undefined || options === undefined
      ? {}
      : { files: { base: options.base.name, shares: sumShares(header, sizeBytes, entries), entries } }),
  };
}

/**
 * What is said of one layer of the target: its streams, its files. Of the whole patch stay its size, needs and shares.
 * Throws USAGE when the target has no layer at `position`.
 */
export function onlyLayer(inspection: Inspection, position: number): Inspection {
  const { target, files } = inspection;
  const layer = target.layers[position];
  if (layer === undefined) {
    throw new DidiffError('USAGE', `the target has no layer ${position}; it has ${target.layers.length}`, {
      hint: 'Layers are counted from 0.',
    });
  }
  return {
    ...inspection,
    target: { ...target, layers: [layer] },
    streams: layer.streams,
    ...(files === undefined
      ? {}
      : { files: { ...files, entries: files.entries.filter((entry) => entry.layer === position) } }),
  };
}

/** What there is to tell of where a blob comes from. */
function blobDetails({ streams, blob }: PatchLayer): Partial<NonNullable<InspectedLayer['blob']>> {
  const bytesOf = (wanted: number) => streams.find(({ stream }) => stream === wanted)?.plainBytes ?? 0;
  if (blob?.source === 'copies') return { copiedBytes: blob.sizeBytes - bytesOf(STREAM_BLOB) };
  if (blob?.source !== 'recipe') return {};
  const { encoder, correctionsBytes = 0 } = blob;
  return {
    ...(encoder === undefined ? {} : { encoder }),
    recipeBytes: bytesOf(STREAM_RECIPE),
    correctionsBytes,
  };
}

function needs(header: PatchHeader): Inspection['needs'] {
  return {
    memoryBytes: header.memoryBytes,
    scratchBytes:
      header.base.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) +
      Math.max(0, ...header.target.layers.map(layerScratchBytes)),
    targetBytes: header.target.layers.reduce((sum, { tarBytes }) => sum + tarBytes, 0),
    baseBlobs: needsBaseBlobs(header),
  };
}

function streamSizes(header: PatchHeader, patchBytes: number): Readonly<Record<string, number>> {
  const all = header.target.layers.flatMap(({ streams }) => streams);
  const coded = all.reduce((sum, { codedBytes }) => sum + codedBytes, 0);
  return { ...sizesOf(all), 'header and framing': patchBytes - coded };
}

/** Coded bytes by the streams' names. */
function sizesOf(streams: readonly StreamInfo[]): Readonly<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const { stream, codedBytes } of streams) {
    const name = STREAM_NAMES[stream] ?? String(stream);
    sizes[name] = (sizes[name] ?? 0) + codedBytes;
  }
  return sizes;
}
