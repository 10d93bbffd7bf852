/**
 * Reads a patch file that may be a bundle: patches for the platforms of an index, with the index and what else it names.
 * Guards that each part leads to the entry of the index it says, and tells whether every entry comes from something in the
 * bundle, so that whoever makes them all has the whole index. It is read from front to back: parts in their order, what isn't asked for
 * is passed over.
 */
import { sha256 } from '../bytes/digest.ts';
import { expandBrotli } from '../codec/expand.ts';
import { openBrotliDecoder } from '../codec/stream-decoder.ts';
import { corrupt, DidiffError } from '../errors.ts';
import {
  type Descriptor,
  MAX_MANIFEST_BYTES,
  parseDescriptor,
  parseDescriptors,
  parseIndex,
  parseObject,
  type RawDocument,
} from '../image/manifest.ts';
import { isIndexType, isManifestType } from '../image/media-types.ts';
import type { Platform } from '../image/platform.ts';
import { type BundleHeader, isBundleHeader, parseBundleHeader } from './bundle-header.ts';
import { OPTIONAL_KINDS, SECTION_DOCUMENTS, SECTION_HEADER } from './format.ts';
import { openPatchReader, type PatchReader, readPatch } from './reader.ts';
import { openSections, type Section, type SectionReader, sectionsOf } from './sections.ts';

/** A part of a bundle that leads to an image. */
export interface OpenedPart {
  /** Which entry of the index it is. */
  readonly entry: number;
  /** As the index says, or where it doesn't, as the config does. */
  readonly platform: Platform;
  /** The patch; its documents have the bundle's index beside them. */
  readonly reader: PatchReader;
  readonly sizeBytes: number;
}

export interface Bundle {
  readonly header: BundleHeader;
  readonly index: RawDocument;
  /** Manifests of the index that no part leads to. */
  readonly manifests: readonly RawDocument[];
  /** Whether every entry of the index comes from a part or is among the manifests. */
  readonly isWhole: boolean;
  /**
   * What these manifests name, as one stream in the order of the header's list, not proved. To be called before anything
   * of a part is read, or not at all.
   */
  readBlobs(): AsyncGenerator<Uint8Array>;
  /** Opens all parts: only what their readers are asked for is then read, in the order of the parts. */
  openParts(): Promise<BundleParts>;
  close(): Promise<void>;
}

export interface BundleParts {
  /** Makes the layers that several parts take from it; absent where there are none. */
  readonly shared?: { readonly reader: PatchReader; readonly sizeBytes: number } | undefined;
  /** In the order of the index. */
  readonly images: readonly OpenedPart[];
}

export type AnyPatch =
  | { readonly kind: 'patch'; readonly reader: PatchReader }
  | { readonly kind: 'bundle'; readonly bundle: Bundle };

/** Opens what may be a patch for one platform or a bundle; `name` is what errors call it. Throws CORRUPT_INPUT, UNSUPPORTED, LIMIT. */
export async function openAnyPatch(pieces: AsyncIterable<Uint8Array>, name?: string): Promise<AnyPatch> {
  const sections = openSections(pieces, name);
  try {
    const passed: Section[] = [];
    const first = await nextOfKind(sections, SECTION_HEADER, passed);
    if (isBundleHeader(first.payload)) return { kind: 'bundle', bundle: await readBundle(first, sections) };
    const all = async function* () {
      yield* passed;
      yield* sectionsOf(sections);
    };
    return { kind: 'patch', reader: await readPatch(all()) };
  } catch (error) {
    await sections.close();
    throw error;
  }
}

/** Passes over optional sections; keeps all that it reads in `passed`. */
async function nextOfKind(sections: SectionReader, kind: number, passed: Section[] = []): Promise<Section> {
  for (;;) {
    const section = await sections.next();
    passed.push(section);
    if (section.kind >= OPTIONAL_KINDS) continue;
    if (section.kind === kind) return section;
    throw corrupt(
      `the section at byte ${section.offset} is of kind ${section.kind}; kind ${kind} was expected`,
    );
  }
}

async function readBundle(first: Section, sections: SectionReader): Promise<Bundle> {
  const header = parseBundleHeader(first.payload);
  const { payload } = await nextOfKind(sections, SECTION_DOCUMENTS);
  const { index, manifests } = parseDocuments(header, payload);
  const entries = parseIndex(index.bytes, "the bundle's index");
  assertOfIndex(header, entries, manifests);
  const stretches = readStretches(header, sections);
  return {
    header,
    index,
    manifests,
    isWhole: isWhole(header, entries, manifests),
    readBlobs: () => decodeBlobs(header, stretches.blobs()),
    openParts: () => openParts(header, index, entries, stretches),
    close: () => sections.close(),
  };
}

/** Index and manifests, byte for byte, each proved to have its digest. */
function parseDocuments(header: BundleHeader, payload: Uint8Array) {
  const bytes = expandBrotli(payload, MAX_DOCUMENTS_BYTES, "the section of the bundle's documents");
  let at = 0;
  const documents = [header.index, ...header.manifests].map(
    ({ mediaType, digest, sizeBytes }): RawDocument => {
      const document = bytes.slice(at, at + sizeBytes);
      at += sizeBytes;
      if (sha256(document) === digest && document.length <= MAX_MANIFEST_BYTES)
        return { bytes: document, digest, mediaType };
      throw corrupt(`a document in the bundle does not have its digest ${digest}, or is too large`);
    },
  );
  if (at !== bytes.length) throw corrupt("the bundle's documents are not of the sizes that its header says");
  const [index, ...manifests] = documents as [RawDocument, ...RawDocument[]];
  if (!isIndexType(index.mediaType))
    throw corrupt(`the index of the bundle is of media type ${index.mediaType}`);
  return { index, manifests };
}

const MAX_DOCUMENTS_BYTES = 16 << 20;

function isWhole(
  { parts }: BundleHeader,
  entries: readonly Descriptor[],
  manifests: readonly RawDocument[],
): boolean {
  const made = parts.flatMap(({ entry }) => (entry === undefined ? [] : [entries[entry]!]));
  const covered = new Set([...made, ...manifests].map(({ digest }) => digest));
  return entries.every(({ digest }) => covered.has(digest));
}

/** What the parts lead to and the manifests are of the index, and all that these name is there. */
function assertOfIndex(
  { parts, blobs }: BundleHeader,
  entries: readonly Descriptor[],
  manifests: readonly RawDocument[],
): void {
  if (parts.some(({ entry }) => entry !== undefined && entry >= entries.length))
    throw corrupt('the bundle leads to an entry that its index does not have');
  const listed = new Set(entries.map(({ digest }) => digest));
  const there = new Map(blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes]));
  for (const manifest of manifests) {
    if (!listed.has(manifest.digest))
      throw corrupt(`the index does not name the bundle's manifest ${manifest.digest}`);
    for (const { digest, sizeBytes } of blobsNamedBy(manifest))
      if (there.get(digest) !== sizeBytes)
        throw corrupt(`the bundle lacks the blob ${digest} of its manifest ${manifest.digest}`);
  }
}

/** Config and layers of a manifest, which needn't be an image's. Throws CORRUPT_INPUT. */
export function blobsNamedBy({ bytes, digest, mediaType }: RawDocument): readonly Descriptor[] {
  const what = `the manifest ${digest}`;
  if (!isManifestType(mediaType))
    throw corrupt(`${what} is of media type ${mediaType}, which is no manifest's`);
  const json = parseObject(bytes, what, MAX_MANIFEST_BYTES);
  if (json['manifests'] !== undefined) throw corrupt(`${what} is both a manifest and an index`);
  return [
    parseDescriptor(json['config'], `${what}: config`),
    ...parseDescriptors(json['layers'], `${what}: layers`),
  ];
}

interface Stretches {
  blobs(): AsyncGenerator<Uint8Array>;
  heads(): Promise<readonly Uint8Array[]>;
  /** The body of a part, for which those before it are passed over. */
  body(part: number): AsyncGenerator<Uint8Array>;
}

/** What follows the sections, in its order: asking for something passes over all before it. */
function readStretches({ blobStreamBytes, parts }: BundleHeader, sections: SectionReader): Stretches {
  let next = 0;
  const sizes = [
    blobStreamBytes,
    ...parts.map((part) => part.headBytes),
    ...parts.map((part) => part.bodyBytes),
  ];
  let current: AsyncGenerator<Uint8Array> | undefined;
  /** Reads what is left of the stretch that was begun. */
  const endCurrent = async () => {
    if (current !== undefined) for await (const _ of current);
    current = undefined;
  };
  const read = async function* (stretch: number, what: string): AsyncGenerator<Uint8Array> {
    if (stretch < next) throw new RangeError(`${what} was passed already`);
    for (; next < stretch; next++) {
      await endCurrent();
      current = sections.bytes(sizes[next]!, 'the bundle');
    }
    await endCurrent();
    next = stretch + 1;
    const own = sections.bytes(sizes[stretch]!, what);
    current = own;
    for (;;) {
      const { value, done } = await own.next();
      if (done) break;
      yield value;
    }
    if (next === sizes.length) await sections.assertEnd();
  };
  return {
    blobs: () => read(0, 'the blobs of the bundle'),
    async heads() {
      const heads: Uint8Array[] = [];
      for (const part of parts.keys()) {
        const pieces: Uint8Array[] = [];
        for await (const piece of read(1 + part, `part ${part} of the bundle`))
          pieces.push(Uint8Array.from(piece));
        heads.push(Buffer.concat(pieces));
      }
      return heads;
    },
    body: (part) => read(1 + parts.length + part, `part ${part} of the bundle`),
  };
}

async function* decodeBlobs(
  header: BundleHeader,
  coded: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (header.blobs.length === 0) return;
  const pull = async () => {
    const { value, done } = await coded.next();
    return done ? undefined : value;
  };
  const decoder = openBrotliDecoder(pull, 'the blobs of the bundle');
  let left = header.blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  try {
    for (let piece = await decoder.next(); piece !== undefined; piece = await decoder.next()) {
      left -= piece.length;
      if (left < 0) break;
      yield piece;
    }
  } finally {
    decoder.close();
  }
  if (left !== 0) throw corrupt('the blobs of the bundle are not of the sizes that its header says');
}

async function openParts(
  header: BundleHeader,
  index: RawDocument,
  entries: readonly Descriptor[],
  stretches: Stretches,
): Promise<BundleParts> {
  const heads = await stretches.heads();
  const images: OpenedPart[] = [];
  let shared: BundleParts['shared'];
  for (const [position, { entry, headBytes, bodyBytes }] of header.parts.entries()) {
    const reader = await openPart(heads[position]!, () => stretches.body(position), position);
    const sizeBytes = headBytes + bodyBytes;
    if (entry === undefined) {
      shared = { reader, sizeBytes };
      continue;
    }
    const { manifest } = reader.documents;
    const wanted = entries[entry]!;
    if (manifest?.digest !== wanted.digest || manifest.mediaType !== wanted.mediaType)
      throw corrupt(
        `part ${position} of the bundle leads to ${manifest?.digest}; its index says ${wanted.digest}`,
      );
    const platform = wanted.platform ?? reader.header.target.platform;
    const documents = { ...reader.documents, index };
    images.push({ entry, platform, sizeBytes, reader: { ...reader, documents } });
  }
  return { shared, images };
}

/** The part's own patch. Its header and documents have to stand in its head, so that all parts can be opened at once. */
async function openPart(
  head: Uint8Array,
  body: () => AsyncGenerator<Uint8Array>,
  position: number,
): Promise<PatchReader> {
  let isOpening = true;
  const pieces = async function* () {
    yield head;
    if (isOpening)
      throw corrupt(`the head of part ${position} of the bundle does not hold its header and documents`);
    yield* body();
  };
  const reader = await openPatchReader(pieces());
  isOpening = false;
  if (reader.documents.index === undefined) return reader;
  throw new DidiffError('CORRUPT_INPUT', `part ${position} of the bundle has an index of its own`);
}
