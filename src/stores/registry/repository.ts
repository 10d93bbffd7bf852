/**
 * The client: what can be asked of one repository of a registry (OCI distribution spec v1.1). Manifests and blobs are
 * proved by their digests; nothing else is believed. Everything goes over one connection, opened by the first call.
 */
import type { RandomAccess } from '../../bytes/access.ts';
import type { Digest } from '../../bytes/digest.ts';
import type { ImageName } from '../../image/image-name.ts';
import type { Descriptor, RawDocument } from '../../image/manifest.ts';
import { openConnection, type RegistryConnection, type RegistryOptions } from './connection.ts';
import { readBlob } from './download.ts';
import { listReferrers, listTags } from './lists.ts';
import {
  deleteManifest,
  findManifest,
  findManifestSize,
  type PutOptions,
  type PutResult,
  putManifest,
  type StoredManifest,
} from './manifests.ts';
import type { BlobName, CallOptions, ReadBlobOptions, RepositoryPlace } from './place.ts';
import { findBlobSize, mountBlob, uploadBlob } from './upload.ts';

export interface Repository {
  /** `localhost:5000/app`, for messages. */
  readonly name: string;
  readonly registry: string;
  readonly repository: string;
  /** A manifest or index by tag or digest, proved when by digest; undefined when there is none. At most 4 MiB. */
  findManifest(reference: string, options?: CallOptions): Promise<StoredManifest | undefined>;
  /** The size of a manifest, without fetching it; undefined when there is none. */
  findManifestSize(digest: Digest, options?: CallOptions): Promise<number | undefined>;
  /** Stores under a tag or its own digest; conditionally, where `options` say so. */
  putManifest(reference: string, document: RawDocument, options?: PutOptions): Promise<PutResult>;
  /** False when it wasn't there. Throws UNSUPPORTED where the registry doesn't allow it. */
  deleteManifest(digest: Digest, options?: CallOptions): Promise<boolean>;
  /** The size of a blob that is there. */
  findBlobSize(digest: Digest, options?: CallOptions): Promise<number | undefined>;
  /**
   * A blob as a stream that goes on after cuts. Throws CORRUPT_INPUT at the end when it isn't what its name says, so what
   * was read is not to be used before that; NOT_FOUND when it isn't there.
   */
  readBlob(blob: BlobName, options?: ReadBlobOptions): AsyncGenerator<Uint8Array>;
  /** Stores a blob, in chunks, going on after cuts. Throws CORRUPT_INPUT when `content` is not what `digest` says. */
  uploadBlob(digest: Digest, content: RandomAccess, options?: CallOptions): Promise<void>;
  /** Takes a blob over from another repository of the registry; false when that can't be done. */
  mountBlob(digest: Digest, from: string, options?: CallOptions): Promise<boolean>;
  /** All tags, sorted; none where the repository isn't there. */
  listTags(options?: CallOptions): Promise<readonly string[]>;
  /** What refers to a manifest, by the referrers API; undefined where the registry has no such API. */
  listReferrers(digest: Digest, options?: CallOptions): Promise<readonly Descriptor[] | undefined>;
  /** Another repository of the same registry, over the same connection. */
  sibling(repository: string): Repository;
  close(): void;
}

/** Opens the repository of `name`, whose tag and digest don't matter here. Nothing is asked yet. */
export function openRepository(
  name: Pick<ImageName, 'registry' | 'repository'>,
  options: RegistryOptions = {},
): Repository {
  return repositoryOf(openConnection(name.registry, name.repository, options), name.repository);
}

function repositoryOf(connection: RegistryConnection, repository: string): Repository {
  const { registry } = connection;
  const place: RepositoryPlace = { name: `${registry}/${repository}`, repository, connection };
  return {
    name: place.name,
    registry,
    repository,
    findManifest: (reference, options) => findManifest(place, reference, options),
    findManifestSize: (digest, options) => findManifestSize(place, digest, options),
    putManifest: (reference, document, options) => putManifest(place, reference, document, options),
    deleteManifest: (digest, options) => deleteManifest(place, digest, options),
    findBlobSize: (digest, options) => findBlobSize(place, digest, options),
    readBlob: (blob, options) => readBlob(place, blob, options),
    uploadBlob: (digest, content, options) => uploadBlob(place, digest, content, options),
    mountBlob: (digest, from, options) => mountBlob(place, digest, from, options),
    listTags: (options) => listTags(place, options),
    listReferrers: (digest, options) => listReferrers(place, digest, options),
    sibling: (other) => repositoryOf(connection, other),
    close: () => connection.close(),
  };
}
