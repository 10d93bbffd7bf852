/** Finds an image's config, manifest and index among documents known by their digests. */
import type { Digest } from '../../bytes/digest.ts';
import {
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
  if (!isIndexType(mediaType)) return findChosen(document, undefined, choice, documents);
  for (const descriptor of parseIndex(top, `index ${choice.id}`)) {
    const { digest, mediaType } = descriptor;
    const bytes = documents.get(digest);
    if (bytes === undefined || !isManifestType(mediaType) || isAttestation(descriptor)) continue;
    const found = findChosen({ bytes, digest, mediaType }, descriptor.platform, choice, documents);
    if (found !== undefined) return { ...found, index: document };
  }
  return undefined;
}

/** The documents of `manifest` if they are there, and are those of the chosen image. */
function findChosen(
  manifest: RawDocument,
  saidPlatform: Platform | undefined,
  choice: ImageChoice,
  documents: Documents,
): ImageMetadata | undefined {
  const { config } = parseManifest(manifest.bytes, `manifest ${manifest.digest}`);
  const bytes = documents.get(config.digest);
  if (bytes === undefined) return undefined;
  const { diffIds, platform } = parseConfig(bytes, `config ${config.digest}`);
  const isChosen =
    choice.diffIds === undefined
      ? samePlatform(saidPlatform ?? platform, choice.platform)
      : choice.diffIds.join() === diffIds.join();
  if (!isChosen) return undefined;
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
