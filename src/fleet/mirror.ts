/**
 * Copies an image with its patches to another repository, byte for byte: all platforms of an index, and the patches that
 * lead to each. What is there already isn't sent, so that a mirror that was stopped goes on when it is started again.
 */
import { type Digest, isDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import {
  MAX_MANIFEST_BYTES,
  parseDescriptor,
  parseDescriptors,
  parseIndex,
  parseObject,
  type RawDocument,
} from '../image/manifest.ts';
import { isIndexType } from '../image/media-types.ts';
import type { StoreOptions } from '../image/store.ts';
import { fetchBlob } from '../stores/registry/fetch-blob.ts';
import type { BlobName } from '../stores/registry/place.ts';
import type { Repository } from '../stores/registry/repository.ts';
import { findPatches } from './list.ts';
import { addReferrer } from './referrers.ts';

export interface MirrorResult {
  /** Of the manifest or index that was named. */
  readonly digest: Digest;
  readonly patches: readonly Digest[];
  /** Blobs that the destination lacked, and could not take over from a repository beside it. */
  readonly sentBytes: number;
}

/** The image that `reference` names, a tag or digest, gets the tag `tag` at the destination, when that is given. */
export async function mirrorImage(
  from: Repository,
  reference: string,
  to: Repository,
  tag: string | undefined,
  options: StoreOptions,
): Promise<MirrorResult> {
  const copy: Copy = { from, to, options, sentBytes: 0 };
  const top = await getManifest(from, reference, options);
  const manifests = await copyTree(copy, top);
  if (tag !== undefined) await to.putManifest(tag, top, options);
  const patches: Digest[] = [];
  for (const manifest of manifests) {
    for (const { digest } of await findPatches(from, manifest, options)) {
      const artifact = await getManifest(from, digest, options);
      await copyBlobs(copy, artifact);
      const { listsReferrer } = await to.putManifest(digest, artifact, options);
      if (!listsReferrer) await addReferrer(to, artifact, options);
      patches.push(digest);
    }
  }
  return { digest: top.digest, patches, sentBytes: copy.sentBytes };
}

/** Indexes in use have one inside of them at most. */
const MAX_DEPTH = 4;

interface Copy {
  readonly from: Repository;
  readonly to: Repository;
  readonly options: StoreOptions;
  sentBytes: number;
}

/** Copies what it names first, as registries want it. Gives the manifests of images in it. */
async function copyTree(copy: Copy, document: RawDocument, depth = 0): Promise<readonly Digest[]> {
  if (depth > MAX_DEPTH)
    throw new DidiffError('LIMIT', `indexes lie in indexes more than ${MAX_DEPTH} deep in ${copy.from.name}`);
  const manifests: Digest[] = [];
  if (isIndexType(document.mediaType)) {
    for (const { digest } of parseIndex(document.bytes, `the index ${document.digest}`))
      manifests.push(
        ...(await copyTree(copy, await getManifest(copy.from, digest, copy.options), depth + 1)),
      );
  } else {
    await copyBlobs(copy, document);
    manifests.push(document.digest);
  }
  await copy.to.putManifest(document.digest, document, copy.options);
  return manifests;
}

async function copyBlobs(copy: Copy, { bytes, digest }: RawDocument): Promise<void> {
  const what = `the manifest ${digest}`;
  // Attestations and patches have layers that are no image's.
  const { config, layers } = parseObject(bytes, what, MAX_MANIFEST_BYTES);
  for (const blob of [
    parseDescriptor(config, `${what}: config`),
    ...parseDescriptors(layers, `${what}: layers`),
  ])
    await copyBlob(copy, blob);
}

async function copyBlob(copy: Copy, blob: BlobName): Promise<void> {
  const { from, to, options } = copy;
  options.signal?.throwIfAborted();
  if ((await to.findBlobSize(blob.digest, options)) !== undefined) return;
  if (from.registry === to.registry && (await to.mountBlob(blob.digest, from.repository, options))) return;
  const file = await fetchBlob(from, blob, blob.digest, options);
  try {
    await to.uploadBlob(blob.digest, file, options);
    copy.sentBytes += blob.sizeBytes;
  } finally {
    file.close();
  }
}

async function getManifest(
  { name, findManifest }: Repository,
  reference: string,
  options: StoreOptions,
): Promise<RawDocument> {
  const found = await findManifest(reference, options);
  if (found !== undefined) return found.document;
  const separator = isDigest(reference) ? '@' : ':';
  throw new DidiffError('NOT_FOUND', `there is no manifest ${name}${separator}${reference}`, {
    hint: 'Check the name; an index may have lost an image of it: push it again.',
  });
}
