/** What a registry offers for getting an image: its layers, and the patches that lead to it. */
import { formatImageName, type ImageName } from '../image/image-name.ts';
import type { Platform } from '../image/platform.ts';
import type { OpenOptions } from '../image/store.ts';
import { resolveName } from '../stores/registry/read.ts';
import type { Repository } from '../stores/registry/repository.ts';
import { findPatches, type PatchEntry } from './list.ts';

export interface Offers {
  readonly image: string;
  /** The manifest's, of the platform chosen. */
  readonly target: string;
  readonly platform: Platform;
  /** What a pull of all layers moves. */
  readonly pullBytes: number;
  /** The smallest first. */
  readonly patches: readonly PatchEntry[];
}

/** Throws NOT_FOUND when there is no such image, and what the registry's client throws. */
export async function listOffers(
  repository: Repository,
  name: ImageName,
  options: Pick<OpenOptions, 'platform' | 'signal'>,
): Promise<Offers> {
  const { manifest, parsed, parsedConfig } = await resolveName(repository, name, options);
  const blobs = new Map(parsed.layers.map(({ digest, sizeBytes }) => [digest, sizeBytes]));
  return {
    image: formatImageName(name),
    target: manifest.digest,
    platform: parsedConfig.platform,
    pullBytes: [...blobs.values()].reduce((sum, size) => sum + size, 0),
    patches: await findPatches(repository, manifest.digest, options),
  };
}
