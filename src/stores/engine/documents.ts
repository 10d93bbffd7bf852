/** Finds an image's config, manifest and index among documents known by their digests. */
import type { Digest } from '../../bytes/digest.ts';
import {
  type Descriptor,
  isAttestation,
  mediaTypeOf,
  parseConfig,
  parseIndex,
  parseManifest,
  type RawDocument,
} from '../../image/manifest.ts';
import { isIndexType, isManifestType, OCI_CONFIG } from '../../image/media-types.ts';
import { type Platform, samePlatform } from '../../image/platform.ts';
import type { ImageMetadata } from '../../image/store.ts';
import type { EngineKind } from './kind.ts';

/** Which image is meant: `diffIds` where the engine told them, else the image of `platform` in the index. */
export interface ImageChoice {
  readonly id: Digest;
  readonly diffIds: readonly Digest[] | undefined;
  readonly platform: Platform;
}

export type Documents = ReadonlyMap<Digest, Uint8Array>;

/**
 * The image's documents, or undefined as long as one of them is missing. Where the ID is the config's digest, the
 * config is all there is: what manifest such an engine's archive has was made up for the archive.
 */
export function findMetadata(
  kind: EngineKind,
  choice: ImageChoice,
  documents: Documents,
): ImageMetadata | undefined {
  const top = documents.get(choice.id);
  if (top === undefined) return undefined;
  if (kind !== 'containerd') return { config: { bytes: top, digest: choice.id, mediaType: OCI_CONFIG } };
  const mediaType = mediaTypeOf(top, `document ${choice.id}`);
  const document = { bytes: top, digest: choice.id, mediaType };
  if (!isIndexType(mediaType)) return findOfManifest(document, documents);
  for (const descriptor of parseIndex(top, `index ${choice.id}`)) {
    const found = findInIndex(descriptor, choice, documents);
    if (found !== undefined) return { ...found, index: document };
  }
  return undefined;
}

function findInIndex(
  descriptor: Descriptor,
  choice: ImageChoice,
  documents: Documents,
): ImageMetadata | undefined {
  const { digest, mediaType } = descriptor;
  const bytes = documents.get(digest);
  if (bytes === undefined || !isManifestType(mediaType) || isAttestation(descriptor)) return undefined;
  const found = findOfManifest({ bytes, digest, mediaType }, documents);
  if (found === undefined) return undefined;
  const config = parseConfig(found.config.bytes, `config ${found.config.digest}`);
  const isChosen =
    choice.diffIds === undefined
      ? samePlatform(descriptor.platform ?? config.platform, choice.platform)
      : choice.diffIds.join() === config.diffIds.join();
  return isChosen ? found : undefined;
}

function findOfManifest(manifest: RawDocument, documents: Documents): ImageMetadata | undefined {
  const { config } = parseManifest(manifest.bytes, `manifest ${manifest.digest}`);
  const bytes = documents.get(config.digest);
  if (bytes === undefined) return undefined;
  return { config: { bytes, digest: config.digest, mediaType: config.mediaType }, manifest };
}

/** Whether a JSON text has the shape of an index, a manifest or a config; attestations and the like don't. */
export function isImageDocument(bytes: Uint8Array): boolean {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch {
    return false;
  }
  if (typeof json !== 'object' || json === null) return false;
  return 'manifests' in json || 'rootfs' in json || ('layers' in json && 'config' in json);
}
