/**
 * A patch's header: what the base must have, what the target is, and how each of its layers is made. It is JSON, so
 * that tools in any language read it. Reading it back, with every number checked, is parse-header.ts.
 */
import { brotliCompressSync, constants } from 'node:zlib';
import type { Digest } from '../bytes/digest.ts';
import type { Codec } from '../codec/stream-decoder.ts';
import type { Platform } from '../image/platform.ts';

/**
 * A layer of the base that the patch reads. The tars of those with `addressed` set, one after the other, are the
 * addresses that ops refer to; the others are taken over whole.
 */
export interface BaseLayer {
  readonly diffId: Digest;
  readonly sizeBytes: number;
  readonly addressed: boolean;
}

/** A blob of the base's own manifest that copies read. One after the other, they are the addresses that copies mean. */
export interface BaseBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A document of the target, whose bytes stand in the documents section in this order. */
export interface DocumentInfo {
  readonly role: 'config' | 'manifest' | 'index';
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface StreamInfo {
  readonly stream: number;
  readonly codec: Codec;
  readonly plainBytes: number;
  readonly codedBytes: number;
  /** Memory a reader needs to decode it, as 2^windowBits bytes. */
  readonly windowBits: number;
}

/** Where a layer's tar comes from: a base layer as it is, ops over the base layers, or the carried blob unpacked. */
export type TarSource =
  | { readonly kind: 'base'; readonly baseLayer: number }
  | { readonly kind: 'delta' }
  | { readonly kind: 'blob' };

/**
 * Where a layer's blob comes from: it is the tar; it is carried; it is a blob of the base's own manifest; it is put
 * together of copies from such blobs; it is made from the tar by a recipe (docs/gzip.md); or it was left out
 * (`--no-blobs`).
 */
export type BlobSource = 'tar' | 'carried' | 'base' | 'copies' | 'recipe' | 'none';

export interface PatchLayer {
  readonly diffId: Digest;
  readonly tarBytes: number;
  readonly tar: TarSource;
  readonly streams: readonly StreamInfo[];
  /** How many files are predicted from executables, if any; for people only. */
  readonly predicted?: number;
  /** Bytes of its views (docs/format.md, "Views"), all together; absent when it has none. */
  readonly viewBytes?: number;
  /** Absent when the target has no manifest: then there are no blobs to be exact about. */
  readonly blob?: {
    readonly digest: Digest;
    readonly sizeBytes: number;
    readonly mediaType: string;
    readonly source: BlobSource;
    /** The encoder that a recipe models, in words; for people only. */
    readonly encoder?: string;
    /** How much of the recipe corrects that model, if anything does; for people only. */
    readonly correctionsBytes?: number;
  };
}

export interface PatchHeader {
  /** Name and version of what wrote the patch. */
  readonly writer: string;
  /** Features a reader must know; checked by `parseHeader`. */
  readonly requires: readonly string[];
  readonly base: {
    /** As the maker named it; for messages only. */
    readonly name: string;
    readonly layers: readonly BaseLayer[];
    readonly blobs: readonly BaseBlob[];
  };
  readonly target: {
    readonly name: string;
    readonly platform: Platform;
    readonly documents: readonly DocumentInfo[];
    readonly layers: readonly PatchLayer[];
  };
  /** Memory that applying takes at most, besides what the runtime itself needs. */
  readonly memoryBytes: number;
}

/** Features of version 1 that a patch may require. */
export const FEATURE_GZIP_RECIPE = 'gzip-recipe-1';
/** The patch has executables that are predicted. */
export const FEATURE_OPENED_PARTS = 'opened-parts-1';
/** Parts or views of LLVM bitcode are opened. */
export const FEATURE_BITCODE = 'bitcode-1';
/** Parts or views of strings are opened. */
export const FEATURE_STRINGS = 'strings-1';
export const FEATURE_EXECUTABLES = 'executables-1';
export const FEATURE_BLOB_COPIES = 'blob-copies-1';
/** Some of its streams are coded by the mixing coder. */
export const FEATURE_MIX = 'mix-1';
/** Some of its streams are coded by the recalling coder. */
export const FEATURE_RECALL = 'recall-1';
/** Digests of files that are listed in other files are computed. */
export const FEATURE_LISTED_DIGESTS = 'listed-digests-1';
/** It is no patch for one platform but a bundle: a reader that doesn't know of bundles refuses it by this name. */
export const FEATURE_PLATFORMS = 'platforms-1';

/** Whether stores that keep blobs need those of the base's own manifest: nothing else in the patch makes them. */
export function needsBaseBlobs(header: PatchHeader): boolean {
  return header.target.layers.some(({ blob }) => blob?.source === 'base' || blob?.source === 'copies');
}

export function encodeHeader(header: PatchHeader): Uint8Array {
  const json = {
    writer: header.writer,
    requires: header.requires,
    memory: header.memoryBytes,
    base: {
      name: header.base.name,
      layers: header.base.layers.map((layer) => ({
        diffId: layer.diffId,
        size: layer.sizeBytes,
        addressed: layer.addressed,
      })),
      ...(header.base.blobs.length === 0
        ? {}
        : { blobs: header.base.blobs.map(({ digest, sizeBytes }) => ({ digest, size: sizeBytes })) }),
    },
    target: {
      name: header.target.name,
      platform: header.target.platform,
      documents: header.target.documents.map(({ role, mediaType, digest, sizeBytes }) => ({
        role,
        mediaType,
        digest,
        size: sizeBytes,
      })),
      layers: header.target.layers.map(encodeLayer),
    },
  };
  const text = Buffer.from(JSON.stringify(json));
  return brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } });
}

function encodeLayer(layer: PatchLayer): object {
  const { blob } = layer;
  return {
    diffId: layer.diffId,
    size: layer.tarBytes,
    from: layer.tar.kind === 'base' ? layer.tar.baseLayer : layer.tar.kind,
    ...(layer.streams.length === 0
      ? {}
      : { streams: layer.streams.map((s) => [s.stream, s.codec, s.plainBytes, s.codedBytes, s.windowBits]) }),
    ...(layer.predicted === undefined ? {} : { predicted: layer.predicted }),
    ...(layer.viewBytes === undefined ? {} : { views: layer.viewBytes }),
    ...(blob === undefined
      ? {}
      : {
          blob: {
            digest: blob.digest,
            size: blob.sizeBytes,
            mediaType: blob.mediaType,
            from: blob.source,
            ...(blob.encoder === undefined ? {} : { encoder: blob.encoder }),
            ...(blob.correctionsBytes === undefined ? {} : { corrections: blob.correctionsBytes }),
          },
        }),
  };
}
