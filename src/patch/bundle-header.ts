/**
 * The header of a bundle: what an index and everything in it is made of, and where in the file that stands
 * (docs/format.md, "Bundles"). Guards that a reader knows what every entry of the index comes from, before it reads on.
 */
import { brotliCompressSync, constants } from 'node:zlib';
import { type Digest, parseDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { array, count, invalid, object, parseRequires, readHeaderJson, string } from './fields.ts';
import { FEATURE_PLATFORMS } from './header.ts';

/** A patch of the bundle, as two stretches of the file: its header and documents, and the rest. */
export interface BundlePart {
  /** Which entry of the index it leads to; absent for the part that makes layers that others share. */
  readonly entry?: number | undefined;
  readonly headBytes: number;
  readonly bodyBytes: number;
}

/** A document whose bytes stand in the bundle's documents section. */
export interface BundleDocument {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface BundleHeader {
  readonly writer: string;
  readonly requires: readonly string[];
  readonly baseName: string;
  readonly targetName: string;
  readonly index: BundleDocument;
  /** Manifests of the index that no patch leads to: of attestations above all. */
  readonly manifests: readonly BundleDocument[];
  /** What these manifests name, one after the other in a brotli stream of their own, of `blobStreamBytes`. */
  readonly blobs: readonly { readonly digest: Digest; readonly sizeBytes: number }[];
  readonly blobStreamBytes: number;
  readonly parts: readonly BundlePart[];
}

export const MAX_PARTS = 256;
export const MAX_MANIFESTS = 1024;
export const MAX_BLOBS = 4096;
/** Of all blobs together. A reader keeps them on disk. */
export const MAX_BLOB_STREAM_BYTES = 256 << 20;
/** Of all heads together. A reader keeps them in memory. */
export const MAX_HEAD_BYTES = 64 << 20;

/** Whether a header section is that of a bundle. Throws CORRUPT_INPUT when it is no header at all. */
export function isBundleHeader(payload: Uint8Array): boolean {
  return parseRequires(readHeaderJson(payload)).includes(FEATURE_PLATFORMS);
}

export function encodeBundleHeader(header: BundleHeader): Uint8Array {
  const document = ({ mediaType, digest, sizeBytes }: BundleDocument) => ({
    mediaType,
    digest,
    size: sizeBytes,
  });
  const json = {
    writer: header.writer,
    requires: header.requires,
    base: header.baseName,
    target: header.targetName,
    index: document(header.index),
    manifests: header.manifests.map(document),
    blobs: header.blobs.map(({ digest, sizeBytes }) => ({ digest, size: sizeBytes })),
    blobStream: header.blobStreamBytes,
    parts: header.parts.map(({ entry, headBytes, bodyBytes }) => ({
      ...(entry === undefined ? {} : { entry }),
      head: headBytes,
      body: bodyBytes,
    })),
  };
  const text = Buffer.from(JSON.stringify(json));
  return brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } });
}

/** Throws CORRUPT_INPUT for what is inconsistent, LIMIT for more than is taken, UNSUPPORTED for unknown features. */
export function parseBundleHeader(payload: Uint8Array): BundleHeader {
  const json = readHeaderJson(payload);
  const requires = parseRequires(json);
  const unknown = requires.filter((name) => name !== FEATURE_PLATFORMS);
  if (unknown.length > 0) {
    throw new DidiffError(
      'UNSUPPORTED',
      `the bundle needs features that this version of didiff lacks: ${unknown.join(', ')}`,
      {
        hint: 'Apply it with a newer version of didiff.',
      },
    );
  }
  const header: BundleHeader = {
    writer: string(json['writer'], 'writer'),
    requires,
    baseName: string(json['base'], 'base'),
    targetName: string(json['target'], 'target'),
    index: parseDocument(json['index'], 'index'),
    manifests: array(json['manifests'], 'manifests', MAX_MANIFESTS).map((each) =>
      parseDocument(each, 'a manifest'),
    ),
    blobs: array(json['blobs'], 'blobs', MAX_BLOBS).map(parseBlob),
    blobStreamBytes: count(json['blobStream'], 'blobStream'),
    parts: array(json['parts'], 'parts', MAX_PARTS).map(parsePart),
  };
  assertSizes(header);
  return header;
}

function assertSizes({ blobs, blobStreamBytes, parts }: BundleHeader): void {
  const plainBytes = sum(blobs.map(({ sizeBytes }) => sizeBytes));
  if ((blobs.length === 0) !== (blobStreamBytes === 0))
    throw invalid('it has blobs without a stream, or a stream without');
  if (plainBytes > MAX_BLOB_STREAM_BYTES || blobStreamBytes > MAX_BLOB_STREAM_BYTES) {
    throw new DidiffError(
      'LIMIT',
      `the bundle has blobs of ${plainBytes} bytes besides its images; at most ${MAX_BLOB_STREAM_BYTES} are taken`,
    );
  }
  const headBytes = sum(parts.map((part) => part.headBytes));
  if (headBytes > MAX_HEAD_BYTES) {
    throw new DidiffError(
      'LIMIT',
      `the heads of the bundle's parts are ${headBytes} bytes; at most ${MAX_HEAD_BYTES} are taken`,
    );
  }
  count(sum(parts.map((part) => part.bodyBytes)), 'the size of the parts');
  const shared = parts.findIndex(({ entry }) => entry === undefined);
  if (shared > 0) throw invalid(`part ${shared} leads to no entry; only the first may`);
  const entries = parts.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
  if (entries.length === 0) throw invalid('it leads to no image');
  if (entries.some((entry, at) => at > 0 && entry <= entries[at - 1]!))
    throw invalid('its parts are not in the order of the index');
}

function parseDocument(value: unknown, what: string): BundleDocument {
  const json = object(value, what);
  return {
    mediaType: string(json['mediaType'], `${what}: mediaType`),
    digest: parseDigest(json['digest'], `the bundle: ${what}: digest`),
    sizeBytes: count(json['size'], `${what}: size`),
  };
}

function parseBlob(value: unknown): BundleHeader['blobs'][number] {
  const json = object(value, 'a blob');
  return {
    digest: parseDigest(json['digest'], 'the bundle: a blob'),
    sizeBytes: count(json['size'], 'a blob: size'),
  };
}

function parsePart(value: unknown, position: number): BundlePart {
  const json = object(value, `part ${position}`);
  return {
    ...(json['entry'] === undefined ? {} : { entry: count(json['entry'], `part ${position}: entry`) }),
    headBytes: count(json['head'], `part ${position}: head`),
    bodyBytes: count(json['body'], `part ${position}: body`),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
