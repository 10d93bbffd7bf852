/**
 * The target's own documents in a patch, and that the header says of the target what they say: they are what the digests
 * vouch for.
 */
import { sha256 } from '../bytes/digest.ts';
import { expandBrotli } from '../codec/expand.ts';
import { corrupt } from '../errors.ts';
import {
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  parseConfig,
  parseIndex,
  parseManifest,
  parseObject,
  type RawDocument,
} from '../image/manifest.ts';
import { isConfigType, isIndexType, isManifestType } from '../image/media-types.ts';
import type { PatchHeader } from './header.ts';

/** The target's documents, byte for byte, each proved to have its digest. */
export interface PatchDocuments {
  readonly config: RawDocument;
  readonly manifest?: RawDocument;
  readonly index?: RawDocument;
}

const MAX_DOCUMENTS_BYTES = MAX_CONFIG_BYTES + 2 * MAX_MANIFEST_BYTES;

/** Takes the documents section apart. Throws CORRUPT_INPUT. */
export function parseDocuments(header: PatchHeader, payload: Uint8Array): PatchDocuments {
  const bytes = expandBrotli(payload, MAX_DOCUMENTS_BYTES, "the section of the patch's documents");
  const found: { [role: string]: RawDocument } = {};
  let at = 0;
  for (const { role, mediaType, digest, sizeBytes } of header.target.documents) {
    const document = bytes.slice(at, at + sizeBytes);
    if (sha256(document) !== digest)
      throw corrupt(`the ${role} in the patch does not have its digest ${digest}`);
    found[role] = { bytes: document, digest, mediaType };
    at += sizeBytes;
  }
  if (at !== bytes.length) throw corrupt("the patch's documents are not of the sizes that its header says");
  return found as unknown as PatchDocuments;
}

/** The header must say of the layers just what the target's own documents say: those are what the digests vouch for. */
export function assertConsistent(header: PatchHeader, documents: PatchDocuments): void {
  const { layers } = header.target;
  const { diffIds } = parseConfig(documents.config.bytes, "the target's config");
  if (diffIds.length !== layers.length || layers.some((layer, i) => layer.diffId !== diffIds[i])) {
    throw corrupt("the patch's layers are not those of the target's config");
  }
  if (!isConfigType(documents.config.mediaType))
    throw corrupt(`the target's config is of media type ${documents.config.mediaType}, which is no config's`);
  if (documents.manifest === undefined) {
    if (layers.some((layer) => layer.blob !== undefined))
      throw corrupt('the patch names blobs but carries no manifest');
    return;
  }
  const manifest = parseManifest(documents.manifest.bytes, "the target's manifest");
  if (manifest.config.digest !== documents.config.digest)
    throw corrupt("the target's manifest names another config");
  assertMediaTypes(documents, manifest.config.mediaType);
  assertIndexed(documents);
  const same = layers.every(({ blob }, i) => {
    const descriptor = manifest.layers[i];
    return (
      blob !== undefined &&
      descriptor?.digest === blob.digest &&
      descriptor.sizeBytes === blob.sizeBytes &&
      descriptor.mediaType === blob.mediaType
    );
  });
  if (!same || manifest.layers.length !== layers.length)
    throw corrupt("the patch's blobs are not those of the target's manifest");
}

/** Stores write the media types into descriptors: each must be one of its role, and what the documents themselves say. */
function assertMediaTypes({ config, manifest, index }: PatchDocuments, configType: string): void {
  const fits =
    config.mediaType === configType &&
    (manifest === undefined || (isManifestType(manifest.mediaType) && saysNoOther(manifest))) &&
    (index === undefined || (isIndexType(index.mediaType) && saysNoOther(index)));
  if (!fits) throw corrupt("the patch's documents are not of the media type that its header says");
}

function saysNoOther({ bytes, mediaType }: RawDocument): boolean {
  const claimed = parseObject(bytes, 'a document of the target', MAX_MANIFEST_BYTES)['mediaType'];
  return claimed === undefined || claimed === mediaType;
}

/** Who asks for an image by its index's digest must get one that the index names. */
function assertIndexed({ manifest, index }: PatchDocuments): void {
  if (index === undefined) return;
  const entries = parseIndex(index.bytes, "the target's index");
  if (!entries.some(({ digest }) => digest === manifest?.digest))
    throw corrupt("the target's index does not name the target's manifest");
}
