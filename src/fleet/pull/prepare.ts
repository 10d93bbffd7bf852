/** What a pull starts with: the image as the registry names it now, and where it is kept while it is on its way. */
import { join } from 'node:path';
import { digestHex } from '../../bytes/digest.ts';
import type { ImageName } from '../../image/image-name.ts';
import type { OpenOptions } from '../../image/store.ts';
import { openCache, removeOldCaches } from '../../stores/cache/cache.ts';
import { resolveName } from '../../stores/registry/read.ts';
import type { Repository } from '../../stores/registry/repository.ts';
import { keepDocuments } from './documents.ts';
import type { PullSetting } from './pull.ts';

export interface PrepareOptions extends Pick<OpenOptions, 'platform' | 'signal'> {
  readonly cacheDirectory: string;
  /** When this is, in milliseconds since 1970: what was kept for a pull that nobody ended is removed after a while. */
  readonly nowMs: number;
}

const MAX_AGE_MS = 30 * 24 * 3600 * 1000;

/** Throws NOT_FOUND when there is no such image, and what the registry's client throws. */
export async function preparePull(
  repository: Repository,
  name: ImageName,
  { cacheDirectory, nowMs, ...options }: PrepareOptions,
): Promise<Pick<PullSetting, 'image' | 'documents' | 'cache'>> {
  removeOldCaches(cacheDirectory, MAX_AGE_MS, nowMs);
  const documents = keepDocuments(repository, openCache(join(cacheDirectory, 'documents')));
  const image = await resolveName(documents.repository, name, options);
  return { image, documents, cache: openCache(join(cacheDirectory, digestHex(image.manifest.digest))) };
}
