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
  const found: OwnManifest[] = [];
  const bytes = readEntry(content, entry, MAX_MANIFEST_BYTES);
  const waiting: Waiting[] = parseIndex(bytes, `${content.name}: index.json`).map((descriptor) => ({
    descriptor,
    index: undefined,
    name: descriptor.annotations['io.containerd.image.name'] ?? '',
  }));
  // Each document is read once, however often it is named: the cost follows the size of the archive.
  const read = new Map<Digest, Document>();
  for (let at = 0; at < waiting.length && at < MAX_DOCUMENTS; at++) {
    const { descriptor, index, name } = waiting[at]!;
    const isNew = !read.has(descriptor.digest);
    const document = read.get(descriptor.digest) ?? readDocument(content, entries, descriptor);
    read.set(descriptor.digest, document);
    if (document.manifest !== undefined) {
      found.push({ manifest: document.raw!, parsed: document.manifest, index, name });
    }
    if (!isNew) continue;
    for (const item of document.entries.slice(0, MAX_DOCUMENTS - waiting.length)) {
      waiting.push({ descriptor: item, index: index ?? document.raw, name });
    }
  }
  return found;
}

interface Waiting {
  readonly descriptor: Descriptor;
  readonly index: RawDocument | undefined;
  readonly name: string;
}

/** What a descriptor leads to: an index with entries, an image's manifest, or something that is neither. */
interface Document {
  readonly raw?: RawDocument;
  readonly manifest?: Manifest | undefined;
  readonly entries: readonly Descriptor[];
}

function readDocument(content: ArchiveContent, entries: EntryIndex, descriptor: Descriptor): Document {
  const raw = isAttestation(descriptor) ? undefined : readRaw(content, entries, descriptor);
  if (raw === undefined) return { entries: [] };
  const what = `${content.name}: ${descriptor.digest}`;
  if (isIndexType(raw.mediaType)) return { raw, entries: parseIndex(raw.bytes, what) };
  return { raw, manifest: isManifestType(raw.mediaType) ? parseIfImage(raw, what) : undefined, entries: [] };
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

function readRaw(
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
