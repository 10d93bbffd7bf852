/**
 * From a descriptor to the manifest and config of one image, in a layout or a registry. Guards that each document on the
 * way has the digest and size that led to it, that none can be read as both index and manifest, and that attestations
 * are never taken for images.
 */
import { type Digest, sha256, shortDigest } from '../bytes/digest.ts';
import { corrupt, DidiffError } from '../errors.ts';
import {
  type Config,
  type Descriptor,
  isAttestation,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  type Manifest,
  parseConfig,
  parseIndex,
  parseManifest,
  parseObject,
  type RawDocument,
  rawDocument,
} from '../image/manifest.ts';
import { isConfigType, isIndexType, isManifestType } from '../image/media-types.ts';
import { formatPlatform, hostPlatform, type Platform, samePlatform } from '../image/platform.ts';

/** Where documents come from. */
export interface DocumentSource {
  /** For messages: `oci:DIR`, `docker://localhost:5000/app`. */
  readonly name: string;
  /** What the documents are in, for messages: `the layout`. */
  readonly place: string;
  /** What is stored under the descriptor's digest, not proved yet; undefined when it isn't there. Throws LIMIT. */
  findBytes(descriptor: Descriptor, limitBytes: number): Promise<Uint8Array | undefined>;
  /** What to do about a document that isn't there. */
  readonly missingHint: string;
}

export interface ResolvedImage {
  /** The index that was named, where one was. */
  readonly index?: RawDocument | undefined;
  readonly manifest: RawDocument;
  readonly parsed: Manifest;
  readonly config: RawDocument;
  readonly parsedConfig: Config;
}

/** Indexes within one index that are opened; bounds what a hostile one may cost. */
const MAX_INDEXES = 64;

/**
 * Follows `descriptor` to an image: through indexes (also nested) to the entry for `platform`, absent: this machine's.
 * A manifest that was named directly must fit `platform` only when one is given.
 * Throws NOT_FOUND listing the platforms, CORRUPT_INPUT, UNSUPPORTED.
 */
export async function resolveImage(
  source: DocumentSource,
  descriptor: Descriptor,
  platform: Platform | undefined,
): Promise<ResolvedImage> {
  const document = await readDocument(source, descriptor, MAX_MANIFEST_BYTES);
  if (isManifestType(document.mediaType)) {
    const image = await readImage(source, document);
    assertPlatform(source, image.parsedConfig.platform, platform);
    return image;
  }
  if (!isIndexType(document.mediaType)) throw notAnImage(source, descriptor);
  const candidates = await listManifests(source, document);
  const chosen = await choosePlatform(source, descriptor, candidates, platform);
  const manifest = await readDocument(source, chosen, MAX_MANIFEST_BYTES);
  return { ...(await readImage(source, manifest)), index: document };
}

/** The manifests an index leads to, nested indexes opened where they are there; without attestations. */
export async function listManifests(
  source: DocumentSource,
  index: RawDocument,
): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  const seen = new Set([index.digest]);
  const waiting: RawDocument[] = [index];
  for (let current = waiting.shift(); current !== undefined; current = waiting.shift()) {
    for (const item of parseIndex(current.bytes, `${source.name}: index ${current.digest}`)) {
      if (isAttestation(item)) continue;
      if (isManifestType(item.mediaType)) found.push(item);
      else if (isIndexType(item.mediaType) && !seen.has(item.digest) && seen.size < MAX_INDEXES) {
        seen.add(item.digest);
        const inner = await findDocument(source, item, MAX_MANIFEST_BYTES);
        if (inner !== undefined) waiting.push(inner);
      }
    }
  }
  return found;
}

/** What an index names: images, and the manifests of whatever else there is. */
export interface IndexContent {
  readonly images: readonly {
    readonly entry: number;
    readonly descriptor: Descriptor;
    readonly platform: Platform;
  }[];
  readonly others: readonly RawDocument[];
}

/**
 * Reads every manifest that an index names. Throws NOT_FOUND when the source lacks one, UNSUPPORTED for entries that are
 * indexes themselves or no manifests, CORRUPT_INPUT.
 */
export async function readIndexContent(source: DocumentSource, index: RawDocument): Promise<IndexContent> {
  const what = `${source.name}: index ${shortDigest(index.digest)}`;
  const images: IndexContent['images'][number][] = [];
  const others = new Map<Digest, RawDocument>();
  for (const [entry, descriptor] of parseIndex(index.bytes, what).entries()) {
    if (!isManifestType(descriptor.mediaType)) throw notAllPlatforms(what, descriptor);
    const manifest = await readDocument(source, descriptor, MAX_MANIFEST_BYTES);
    assertNotBoth(manifest, `${source.name}: manifest ${manifest.digest}`);
    if (isAttestation(descriptor) || !isImageManifest(manifest)) others.set(manifest.digest, manifest);
    else images.push({ entry, descriptor, platform: await platformOf(source, descriptor) });
  }
  // The same image may be listed twice.
  const firsts = new Map([...images].reverse().map((image) => [image.descriptor.digest, image]));
  return {
    images: images.filter((image) => firsts.get(image.descriptor.digest) === image),
    others: [...others.values()],
  };
}

function isImageManifest({ bytes, digest }: RawDocument): boolean {
  try {
    return isConfigType(parseManifest(bytes, `manifest ${digest}`).config.mediaType);
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'UNSUPPORTED') return false;
    throw error;
  }
}

function notAllPlatforms(what: string, { digest, mediaType }: Descriptor): DidiffError {
  const kind = isIndexType(mediaType) ? 'an index itself' : `of media type ${mediaType}`;
  return new DidiffError('UNSUPPORTED', `${what} names ${digest}, which is ${kind}`, {
    hint: 'Name one of its images by its digest, or choose a platform with --platform.',
  });
}

/** The document a descriptor leads to, proved. Throws NOT_FOUND when the source lacks it, CORRUPT_INPUT. */
export async function readDocument(
  source: DocumentSource,
  descriptor: Descriptor,
  limitBytes: number,
): Promise<RawDocument> {
  const document = await findDocument(source, descriptor, limitBytes);
  if (document !== undefined) return document;
  const { digest } = descriptor;
  throw new DidiffError('NOT_FOUND', `${source.name}: the document ${digest} is not in ${source.place}`, {
    hint: source.missingHint,
    data: { digest },
  });
}

/** The same; undefined when the source lacks it. */
export async function findDocument(
  source: DocumentSource,
  descriptor: Descriptor,
  limitBytes: number,
): Promise<RawDocument | undefined> {
  const { digest, sizeBytes, mediaType } = descriptor;
  const bytes = await source.findBytes(descriptor, limitBytes);
  if (bytes === undefined) return undefined;
  if (bytes.length !== sizeBytes) {
    throw corrupt(`${source.name}: the document ${digest} has ${bytes.length} bytes; expected ${sizeBytes}`);
  }
  if (sha256(bytes) === digest) return rawDocument(bytes, mediaType);
  throw corrupt(`${source.name}: the document ${digest} is damaged: its digest is ${sha256(bytes)}`, {
    hint: 'Fetch the image again.',
  });
}

async function readImage(source: DocumentSource, manifest: RawDocument): Promise<ResolvedImage> {
  const what = `${source.name}: manifest ${manifest.digest}`;
  assertNotBoth(manifest, what);
  const parsed = parseManifest(manifest.bytes, what);
  if (!isConfigType(parsed.config.mediaType)) throw notAnImage(source, parsed.config);
  const config = await readDocument(source, parsed.config, MAX_CONFIG_BYTES);
  const parsedConfig = parseConfig(config.bytes, `${source.name}: config ${config.digest}`);
  if (parsedConfig.diffIds.length === parsed.layers.length) return { manifest, parsed, config, parsedConfig };
  throw corrupt(`${what} has ${parsed.layers.length} layers; its config has ${parsedConfig.diffIds.length}`);
}

/** A document that is both would be read differently by different engines (CVE-2021-41190). */
function assertNotBoth(manifest: RawDocument, what: string): void {
  if (parseObject(manifest.bytes, what, MAX_MANIFEST_BYTES)['manifests'] === undefined) return;
  throw corrupt(`${what} is both a manifest and an index`);
}

async function choosePlatform(
  source: DocumentSource,
  descriptor: Descriptor,
  candidates: readonly Descriptor[],
  platform: Platform | undefined,
): Promise<Descriptor> {
  const wanted = platform ?? hostPlatform(process.arch, process.platform);
  const found = new Set<string>();
  for (const item of candidates) {
    const platform = await platformOf(source, item);
    if (samePlatform(platform, wanted)) return item;
    found.add(formatPlatform(platform));
  }
  const platforms = [...found];
  throw new DidiffError(
    'NOT_FOUND',
    `${source.name}: the index ${shortDigest(descriptor.digest)} has no image for ${formatPlatform(wanted)}`,
    {
      hint:
        platforms.length === 0
          ? 'It holds no image at all.'
          : `It has ${platforms.join(', ')}; choose one with --platform.`,
      data: { platforms },
    },
  );
}

/** As the index says, or where it doesn't, as the image's own config does. */
export async function platformOf(source: DocumentSource, descriptor: Descriptor): Promise<Platform> {
  if (descriptor.platform !== undefined) return descriptor.platform;
  const manifest = await findDocument(source, descriptor, MAX_MANIFEST_BYTES);
  if (manifest === undefined) return { os: 'unknown', architecture: 'unknown' };
  return (await readImage(source, manifest)).parsedConfig.platform;
}

function assertPlatform(source: DocumentSource, found: Platform, wanted: Platform | undefined): void {
  if (wanted === undefined || samePlatform(found, wanted)) return;
  throw new DidiffError(
    'NOT_FOUND',
    `${source.name}: the image is for ${formatPlatform(found)}, not for ${formatPlatform(wanted)}`,
    { hint: 'Leave --platform out, or name another image.', data: { platforms: [formatPlatform(found)] } },
  );
}

function notAnImage(source: DocumentSource, { digest, mediaType }: Descriptor): DidiffError {
  return new DidiffError('UNSUPPORTED', `${source.name}: ${digest} is no container image but ${mediaType}`, {
    hint: 'didiff patches container images; other artifacts can be copied with `oras` or `skopeo`.',
  });
}
