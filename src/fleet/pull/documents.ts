/** Manifests and configs of a registry, kept in a cache while a pull is on its way: a second try doesn't fetch them again. */
import { readRange } from '../../bytes/access.ts';
import { type Digest, digestHex, isDigest } from '../../bytes/digest.ts';
import {
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  mediaTypeOf,
  type RawDocument,
  rawDocument,
} from '../../image/manifest.ts';
import type { Cache } from '../../stores/cache/cache.ts';
import type { Repository } from '../../stores/registry/repository.ts';
import { type PatchArtifact, parseArtifact } from '../artifact.ts';
import { fetchInto } from './fetch.ts';

export interface KeptDocuments {
  /** The repository itself, but for documents asked for by digest that are kept. */
  readonly repository: Repository;
  /** An artifact that was fetched before. */
  findArtifact(digest: Digest): Promise<PatchArtifact | undefined>;
  /** Drops the documents that this pull has read. */
  forget(): void;
}

export function keepDocuments(repository: Repository, cache: Cache): KeptDocuments {
  const used = new Set<string>();
  const findKept = async (digest: Digest): Promise<RawDocument | undefined> => {
    const file = await cache.find(digestHex(digest), digest);
    if (file === undefined) return undefined;
    used.add(digestHex(digest));
    try {
      const bytes = readRange(file, 0, file.sizeBytes, MAX_MANIFEST_BYTES);
      return rawDocument(bytes, mediaTypeOf(bytes, `the manifest ${digest}`));
    } finally {
      file.close();
    }
  };
  return {
    repository: {
      ...repository,
      async findManifest(reference, options) {
        const kept = isDigest(reference) ? await findKept(reference) : undefined;
        if (kept !== undefined) return { document: kept };
        const found = await repository.findManifest(reference, options);
        if (found !== undefined && isDigest(reference)) keep(cache, found.document);
        if (isDigest(reference)) used.add(digestHex(reference));
        return found;
      },
      async *readBlob(blob, options = {}) {
        const isWhole = (options.startBytes ?? 0) === 0 && options.digest === undefined;
        if (blob.sizeBytes > MAX_CONFIG_BYTES || !isWhole) return yield* repository.readBlob(blob, options);
        used.add(digestHex(blob.digest));
        const file = await fetchInto(cache, digestHex(blob.digest), repository, blob, options);
        try {
          yield readRange(file, 0, file.sizeBytes, MAX_CONFIG_BYTES);
        } finally {
          file.close();
        }
      },
    },
    async findArtifact(digest) {
      const kept = await findKept(digest);
      return kept === undefined ? undefined : parseArtifact(kept.bytes, `the patch ${digest}`);
    },
    forget() {
      for (const name of used) cache.remove(name);
    },
  };
}

function keep(cache: Cache, { digest, bytes }: RawDocument): void {
  const file = cache.grow(digestHex(digest));
  file.restart();
  file.append(bytes);
  file.commit();
}
