/**
 * Fetches blobs into the cache, each going on where it was. Guards that a blob is used only when it has its digest; one
 * that came damaged is fetched once more from its beginning.
 */
import { readRange } from '../../bytes/access.ts';
import { digestHex, startDigest } from '../../bytes/digest.ts';
import type { FileAccess } from '../../bytes/file.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import type { StoreOptions } from '../../image/store.ts';
import type { Cache } from '../../stores/cache/cache.ts';
import type { BlobName } from '../../stores/registry/place.ts';
import type { Repository } from '../../stores/registry/repository.ts';
import type { PatchArtifact } from '../artifact.ts';
import type { Pace } from './pace.ts';

const TRIES = 2;

/** `onBytes` is told of each piece that came over the line. */
export interface FetchOptions extends Pick<StoreOptions, 'signal'> {
  readonly onBytes?: ((count: number) => void) | undefined;
  readonly pace?: Pace | undefined;
}

/** The blob as a file of the cache under `name`, fetched as far as it isn't there. The caller closes it. */
export async function fetchInto(
  cache: Cache,
  name: string,
  repository: Repository,
  blob: BlobName,
  options: FetchOptions,
): Promise<FileAccess> {
  const before = await cache.find(name, blob.digest, options.signal);
  if (before !== undefined) return before;
  for (let tries = 1; ; tries++) {
    const file = cache.grow(name);
    try {
      if (file.digest.sizeBytes > blob.sizeBytes) file.restart();
      const { digest } = file;
      const { signal, pace } = options;
      const start = { startBytes: digest.sizeBytes, digest, nextBytes: pace?.nextBytes, signal };
      for await (const piece of repository.readBlob(blob, start)) {
        file.append(piece);
        pace?.onBytes(piece.length);
        options.onBytes?.(piece.length);
      }
      file.commit();
      const whole = await cache.find(name, blob.digest, options.signal);
      if (whole !== undefined) return whole;
      throw corrupt(`the file ${name} of the cache was changed by somebody else`);
    } catch (error) {
      const isDamaged = error instanceof DidiffError && error.code === 'CORRUPT_INPUT';
      if (isDamaged) cache.remove(name);
      if (!isDamaged || tries >= TRIES) throw error;
    } finally {
      file.close();
    }
  }
}

/** The patch of an artifact as a stream, its parts from the cache as far as they are there. */
export async function* readKeptParts(
  cache: Cache,
  repository: Repository,
  artifact: PatchArtifact,
  options: FetchOptions,
): AsyncGenerator<Uint8Array> {
  const whole = startDigest();
  for (const part of artifact.parts) {
    const file = await fetchInto(cache, digestHex(part.digest), repository, part, options);
    const bytes = readAndClose(file, part.sizeBytes);
    whole.update(bytes);
    yield bytes;
  }
  const { digest } = artifact.description.patch;
  if (whole.finish() === digest) return;
  throw corrupt(`the parts of the patch ${artifact.digest} don't make the patch ${digest}`);
}

function readAndClose(file: FileAccess, limitBytes: number): Uint8Array {
  try {
    return readRange(file, 0, file.sizeBytes, limitBytes);
  } finally {
    file.close();
  }
}
