/**
 * A patch as an artifact of a registry (docs/registry.md): a manifest whose layers are the patch cut into parts, whose
 * subject is the image it leads to, and whose annotations say what a receiver must have. Guards that what others wrote is
 * taken only when it adds up; nothing in it is believed beyond what to fetch.
 */
import { type Digest, isDigest, sha256 } from '../bytes/digest.ts';
import { corrupt, DidiffError } from '../errors.ts';
import {
  type Descriptor,
  MAX_MANIFEST_BYTES,
  parseAnnotations,
  parseDescriptor,
  parseDescriptors,
  parseObject,
  type RawDocument,
  rawDocument,
} from '../image/manifest.ts';
import { OCI_MANIFEST } from '../image/media-types.ts';
import { type PatchDescription, parseDescription, writeDescription } from './description.ts';

export const ARTIFACT_TYPE = 'application/vnd.didiff.patch.v1';
export const PART_TYPE = 'application/vnd.didiff.patch.part.v1';
/** The config of artifacts that need none (OCI image spec, guidance for an empty descriptor). */
export const EMPTY_CONFIG: RawDocument = rawDocument(
  new TextEncoder().encode('{}'),
  'application/vnd.oci.empty.v1+json',
);

/** Parts have this size, unless there would be more than `MAX_PARTS` of them: then it doubles, up to `MAX_PART_BYTES`. */
export const PART_BYTES = 1 << 20;
const MAX_PARTS = 512;
/** A part is held in memory as a whole. */
const MAX_PART_BYTES = 64 << 20;

export interface PatchArtifact {
  /** Of the artifact's manifest. */
  readonly digest: Digest;
  /** Of the manifest of the image that the patch leads to. */
  readonly target: Digest;
  readonly description: PatchDescription;
  /** In the order in which they make the patch. */
  readonly parts: readonly { readonly digest: Digest; readonly sizeBytes: number }[];
}

/** How long each part of a patch is, but for the last. */
export function partSize(patchBytes: number): number {
  let size = PART_BYTES;
  while (Math.ceil(patchBytes / size) > MAX_PARTS && size < MAX_PART_BYTES) size *= 2;
  return size;
}

/** The manifest of an artifact. The same arguments give the same bytes. */
export function encodeArtifact(
  target: RawDocument,
  parts: PatchArtifact['parts'],
  description: PatchDescription,
): RawDocument {
  const { bytes, digest, mediaType } = EMPTY_CONFIG;
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: ARTIFACT_TYPE,
    config: { mediaType, digest, size: bytes.length, data: Buffer.from(bytes).toString('base64') },
    layers: parts.map((part) => ({ mediaType: PART_TYPE, digest: part.digest, size: part.sizeBytes })),
    subject: { mediaType: target.mediaType, digest: target.digest, size: target.bytes.length },
    annotations: writeDescription(description),
  };
  const document = rawDocument(new TextEncoder().encode(JSON.stringify(manifest)), OCI_MANIFEST);
  if (document.bytes.length <= MAX_MANIFEST_BYTES) return document;
  throw new DidiffError('LIMIT', `the manifest of the patch would have ${document.bytes.length} bytes`);
}

/** Parses an artifact's manifest, called `what` in errors. Throws CORRUPT_INPUT, or UNSUPPORTED for what is no patch. */
export function parseArtifact(bytes: Uint8Array, what: string): PatchArtifact {
  const json = parseObject(bytes, what, MAX_MANIFEST_BYTES);
  if (json['artifactType'] !== ARTIFACT_TYPE) {
    throw new DidiffError('UNSUPPORTED', `${what} is no patch: its type is ${String(json['artifactType'])}`, {
      hint: `Expected ${ARTIFACT_TYPE}.`,
    });
  }
  const description = parseDescription(parseAnnotations(json['annotations']), what);
  const parts = parseDescriptors(json['layers'], `${what}: layers`);
  assertParts(parts, description.patch.sizeBytes, what);
  const { digest: target } = parseDescriptor(json['subject'], `${what}: subject`);
  return { digest: sha256(bytes), target, description, parts };
}

function assertParts(parts: readonly Descriptor[], patchBytes: number, what: string): void {
  for (const { mediaType, sizeBytes } of parts) {
    if (mediaType !== PART_TYPE)
      throw corrupt(`${what} has a layer of type ${mediaType}; expected ${PART_TYPE}`);
    if (sizeBytes > MAX_PART_BYTES) {
      throw new DidiffError(
        'LIMIT',
        `${what} has a part of ${sizeBytes} bytes; at most ${MAX_PART_BYTES} are taken`,
      );
    }
  }
  const sum = parts.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  if (sum !== patchBytes) throw corrupt(`${what} has parts of ${sum} bytes in all; it says ${patchBytes}`);
}

/** What a list of referrers says of an artifact, as spec'd: its type and annotations stand there too. */
export function referrerEntry(artifact: RawDocument): Readonly<Record<string, unknown>> {
  const { artifactType, annotations } = parseObject(artifact.bytes, 'an artifact', MAX_MANIFEST_BYTES);
  return {
    mediaType: artifact.mediaType,
    digest: artifact.digest,
    size: artifact.bytes.length,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** The manifest that an artifact refers to; undefined when it refers to none. */
export function subjectOf(artifact: RawDocument): Digest | undefined {
  const { subject } = parseObject(artifact.bytes, 'an artifact', MAX_MANIFEST_BYTES);
  const digest = (subject as { digest?: unknown } | undefined)?.digest;
  return isDigest(digest) ? digest : undefined;
}
