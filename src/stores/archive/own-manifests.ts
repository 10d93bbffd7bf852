/**
 * The manifests that an archive's index.json leads to, each proved by its digest. Archives without an index.json, and
 * manifests that aren't in the archive (other platforms of an index), are no error.
 */
import { type Digest, digestHex, sha256 } from '../../bytes/digest.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import {
  type Descriptor,
  isAttestation,
  MAX_MANIFEST_BYTES,
  type Manifest,
  parseIndex,
  parseManifest,
  type RawDocument,
  rawDocument,
} from '../../image/manifest.ts';
import { isIndexType, isManifestType } from '../../image/media-types.ts';
import { type ArchiveContent, type EntryIndex, findEntry, readEntry } from './entries.ts';

export interface OwnManifest {
  readonly manifest: RawDocument;
  readonly parsed: Manifest;
  /** The index that index.json names, where it names one. */
  readonly index: RawDocument | undefined;
  /** As RepoTags would have it; empty where index.json gives no name. */
  readonly name: string;
}

/** Enough for any save; bounds what nested indexes that name each other over and over may cost. */
const MAX_DOCUMENTS = 2000;

export function collectManifests(content: ArchiveContent, entries: EntryIndex): readonly OwnManifest[] {
  const entry = findEntry(entries, 'index.json');
  if (entry === undefined) return [];
  const bytes = readEntry(content, entry, MAX_MANIFEST_BYTES);
  const found: OwnManifest[] = [];
  const waiting = parseIndex(bytes, `${content.name}: index.json`).map((descriptor) => ({
    descriptor,
    index: undefined as RawDocument | undefined,
    name: descriptor.annotations['io.containerd.image.name'] ?? '',
  }));
  for (let read = 0; read < waiting.length && read < MAX_DOCUMENTS; read++) {
    const { descriptor, index, name } = waiting[read]!;
    const document = isAttestation(descriptor) ? undefined : readDocument(content, entries, descriptor);
    if (document === undefined) continue;
    const what = `${content.name}: ${descriptor.digest}`;
    if (isIndexType(descriptor.mediaType)) {
      const inner = parseIndex(document.bytes, what);
      waiting.push(...inner.map((item) => ({ descriptor: item, index: index ?? document, name })));
    } else if (isManifestType(descriptor.mediaType)) {
      const parsed = parseIfImage(document, what);
      if (parsed !== undefined) found.push({ manifest: document, parsed, index, name });
    }
  }
  return found;
}

/** Signatures and other artifacts may lie beside images; they are passed over. */
function parseIfImage(document: RawDocument, what: string): Manifest | undefined {
  try {
    return parseManifest(document.bytes, what);
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'UNSUPPORTED') return undefined;
    throw error;
  }
}

function readDocument(
  content: ArchiveContent,
  entries: EntryIndex,
  descriptor: Descriptor,
): RawDocument | undefined {
  const entry = findEntry(entries, blobPath(descriptor.digest));
  if (entry === undefined) return undefined;
  const bytes = readEntry(content, entry, MAX_MANIFEST_BYTES);
  if (sha256(bytes) === descriptor.digest) return rawDocument(bytes, descriptor.mediaType);
  throw corrupt(`${content.name}: the document ${descriptor.digest} is damaged`, {
    hint: 'Save or fetch the archive again.',
  });
}

/** Where an OCI layout keeps a blob. */
export function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}
