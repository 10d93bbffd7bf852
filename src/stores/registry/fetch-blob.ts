/**
 * A blob in a scratch file, proved. One that comes damaged is fetched a second time: a proxy or a bad line may have been
 * at fault, and the next connection may be a better one.
 */
import { openTempFile, type TempFile } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import type { StoreOptions } from '../../image/store.ts';
import type { BlobName } from './place.ts';
import type { Repository } from './repository.ts';

const TRIES = 2;

/** Fetches it to `options.tempDirectory`; the file is the caller's to close. `what` names it in the progress. */
export async function fetchBlob(
  repository: Repository,
  blob: BlobName,
  what: string,
  options: StoreOptions,
): Promise<TempFile> {
  const file = openTempFile(options.tempDirectory);
  try {
    for (let tries = 1; ; tries++) {
      try {
        for await (const piece of repository.readBlob(blob, { signal: options.signal })) {
          file.append(piece);
          const { sizeBytes: totalBytes } = blob;
          options.onProgress?.({ phase: `fetch ${what}`, doneBytes: file.sizeBytes, totalBytes });
        }
        return file;
      } catch (error) {
        const isDamaged = error instanceof DidiffError && error.code === 'CORRUPT_INPUT';
        if (!isDamaged || tries >= TRIES) throw error;
        file.truncate(0);
      }
    }
  } catch (error) {
    file.close();
    throw error;
  }
}
