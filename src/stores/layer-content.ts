/**
 * From a layer's blob to its tar. Guards that nothing is handed out whose SHA-256 is not the diffID asked for, and
 * that a blob can't unpack to more than the stated limit.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { type Digest, startDigest } from '../bytes/digest.ts';
import { openTempFile } from '../bytes/file.ts';
import { corrupt, DidiffError } from '../errors.ts';
import { decodeBlob } from '../image/decode-blob.ts';
import { compressionOf } from '../image/media-types.ts';
import type { StoreOptions } from '../image/store.ts';

/** No layer tar may be larger than 64 GiB: a blob of a few megabytes could otherwise fill any disk. */
export const MAX_LAYER_TAR_BYTES = 64 * 2 ** 30;

/** What the layer must turn out to be. */
export interface WantedLayer {
  /** For messages: `layer 2 of nginx:1.25`. */
  readonly what: string;
  readonly diffId: Digest;
  /** The blob's own digest, proved too when given. */
  readonly blobDigest?: Digest | undefined;
  /** Where the unpacking stops: `MAX_LAYER_TAR_BYTES` when absent. */
  readonly limitBytes?: number | undefined;
}

/** A layer tar, proved. `close` frees the scratch file where there is one; the blob stays its owner's. */
export interface LayerContent {
  readonly content: RandomAccess;
  close(): void;
}

/**
 * Finds the tar in a blob that may be plain, gzip or zstd, told by its first bytes. A plain one is read in place;
 * others are unpacked to a scratch file in `options.tempDirectory`. Throws CORRUPT_INPUT naming the layer, LIMIT.
 */
export async function openLayerContent(
  blob: RandomAccess,
  wanted: WantedLayer,
  options: StoreOptions,
): Promise<LayerContent> {
  const start = new Uint8Array(Math.min(4, blob.sizeBytes));
  blob.readAt(0, start);
  const compression = compressionOf(start);
  const blobDigest = startDigest();
  const tarDigest = startDigest();
  const scratch = compression === 'none' ? undefined : openTempFile(options.tempDirectory);
  try {
    const onRead = (piece: Uint8Array) => {
      blobDigest.update(piece);
      options.onProgress?.({
        phase: `read ${wanted.what}`,
        doneBytes: blobDigest.sizeBytes,
        totalBytes: blob.sizeBytes,
      });
    };
    for await (const piece of decodeBlob(blob, compression, wanted.what, options.signal, onRead)) {
      assertWithinLimit(tarDigest.sizeBytes + piece.length, wanted);
      if (scratch !== undefined) tarDigest.update(piece);
      scratch?.append(piece);
    }
    const readDigest = blobDigest.finish();
    const tarFound = scratch === undefined ? readDigest : tarDigest.finish();
    assertDigest(readDigest, wanted.blobDigest, `the blob of ${wanted.what}`);
    assertDigest(tarFound, wanted.diffId, `the tar of ${wanted.what}`);
    return { content: scratch ?? blob, close: () => scratch?.close() };
  } catch (error) {
    scratch?.close();
    throw error;
  }
}

/** Reads `access` once and throws CORRUPT_INPUT unless it has the digest. `what` names it. */
export async function proveDigest(
  access: RandomAccess,
  wanted: Digest,
  what: string,
  signal?: AbortSignal,
): Promise<void> {
  const digest = startDigest();
  for await (const piece of decodeBlob(access, 'none', what, signal)) digest.update(piece);
  assertDigest(digest.finish(), wanted, what);
}

function assertWithinLimit(sizeBytes: number, wanted: WantedLayer): void {
  const limit = wanted.limitBytes ?? MAX_LAYER_TAR_BYTES;
  if (sizeBytes <= limit) return;
  throw new DidiffError('LIMIT', `${wanted.what} unpacks to more than ${limit} bytes; stopped there`, {
    hint: 'A layer like this is most likely made to fill disks.',
  });
}

function assertDigest(found: Digest, wanted: Digest | undefined, what: string): void {
  if (wanted === undefined || found === wanted) return;
  throw corrupt(`${what} is damaged: its digest is ${found}, expected ${wanted}`, {
    hint: 'Fetch the image again.',
    data: { found, expected: wanted },
  });
}
