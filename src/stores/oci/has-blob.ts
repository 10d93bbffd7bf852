/** Whether a layout has a blob whole. A file of the right name may still be damaged: it is read and proved. */
import { join } from 'node:path';
import type { Digest } from '../../bytes/digest.ts';
import { openFile } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import { blobPath } from '../archive/own-manifests.ts';
import { statIfThere } from '../input-file.ts';
import { proveDigest } from '../layer-content.ts';

export async function hasBlob(
  directory: string,
  digest: Digest,
  sizeBytes: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const path = join(directory, blobPath(digest));
  const stat = statIfThere(path);
  if (stat === undefined || !stat.isFile() || stat.size !== sizeBytes) return false;
  const file = openFile(path);
  try {
    await proveDigest(file, digest, path, signal);
    return true;
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return false;
    throw error;
  } finally {
    file.close();
  }
}
