/**
 * Makes a bundle: a patch for each platform of an index, and all else that the index names, in one file. What is written
 * is read back before it is moved into place.
 */
import type { Digest } from '../bytes/digest.ts';
import { openPendingFile } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import type { OpenedIndex } from '../image/store.ts';
import { codeBlobs, writeBundle } from './bundle-file.ts';
import { type BundleBase, makeParts } from './bundle-parts.ts';
import type { CreateOptions } from './create.ts';
import { proveBundle } from './prove-bundle.ts';
import type { CreateReport } from './report.ts';

export interface PlatformReport {
  readonly platform: string;
  readonly manifest: Digest;
  /** Whether the base has an image for it; if not, all its layers are in the bundle. */
  readonly hasBase: boolean;
  /** As one for its platform alone would be reported. */
  readonly report: CreateReport;
}

export interface BundleReport {
  readonly patchBytes: number;
  readonly base: string;
  readonly target: string;
  readonly index: Digest;
  readonly platforms: readonly PlatformReport[];
  /** Layers that several platforms take from the bundle, made once. */
  readonly shared?: { readonly layers: number; readonly patchBytes: number };
  /** Attestations and whatever else the index names; carried as they are. */
  readonly others: { readonly manifests: number; readonly patchBytes: number };
}

/**
 * Writes the bundle that turns `base` into all that `target` names to `path`. Throws what `createPatch` does, and
 * UNSUPPORTED for an index without images; the file at `path` is untouched unless everything was proved.
 */
export async function createBundle(
  base: BundleBase,
  target: OpenedIndex,
  path: string,
  options: CreateOptions,
): Promise<BundleReport> {
  if (target.images.length === 0)
    throw new DidiffError('UNSUPPORTED', `${target.name} is an index that names no image`);
  openPendingFile(path).abort();
  const owned: { close(): void }[] = [];
  try {
    const blobs = await codeBlobs(target, options);
    owned.push(blobs.file);
    const made = await makeParts(base, target, options, owned);
    const pending = openPendingFile(path);
    try {
      await writeBundle(pending, base, target, blobs, made);
      await proveBundle(pending.written, options);
      options.signal?.throwIfAborted();
      pending.commit();
    } catch (error) {
      pending.abort();
      throw error;
    }
    const { shared, images } = made;
    return {
      patchBytes: pending.sizeBytes,
      base: base.name,
      target: target.name,
      index: target.index.digest,
      platforms: images.map(({ image, hasBase, report }) => ({
        platform: formatPlatform(image.platform),
        manifest: image.digest,
        hasBase,
        report,
      })),
      ...(shared === undefined
        ? {}
        : { shared: { layers: shared.report.layers.length, patchBytes: shared.file.sizeBytes } }),
      others: { manifests: target.others.length, patchBytes: blobs.file.sizeBytes },
    };
  } finally {
    for (const each of owned) each.close();
  }
}
