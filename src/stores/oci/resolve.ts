/**
 * From a name in an OCI layout to the manifest and config of one image. Guards that each document on the way has the
 * digest and size that led to it, that none can be read as both index and manifest, and that attestations are never
 * taken for images.
 */
import { readRange } from '../../bytes/access.ts';
import { type Digest, sha256, shortDigest } from '../../bytes/digest.ts';
import { corrupt, DidiffError } from '../../errors.ts';
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
} from '../../image/manifest.ts';
import { isConfigType, isIndexType, isManifestType } from '../../image/media-types.ts';
import { formatPlatform, hostPlatform, type Platform, samePlatform } from '../../image/platform.ts';
import type { Layout } from './layout.ts';

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
export function resolveImage(
  layout: Layout,
  descriptor: Descriptor,
  platform: Platform | undefined,
): ResolvedImage {
  const document = readDocument(layout, descriptor, MAX_MANIFEST_BYTES);
  if (isManifestType(document.mediaType)) {
    const image = readImage(layout, document);
    assertPlatform(layout, image.parsedConfig.platform, platform);
    return image;
  }
  if (!isIndexType(document.mediaType)) throw notAnImage(layout, descriptor);
  const candidates = listManifests(layout, document);
  const chosen = choosePlatform(layout, descriptor, candidates, platform);
  return { ...readImage(layout, readDocument(layout, chosen, MAX_MANIFEST_BYTES)), index: document };
}

/** The manifests an index leads to, nested indexes opened where they are there; without attestations. */
export function listManifests(layout: Layout, index: RawDocument): readonly Descriptor[] {
  const found: Descriptor[] = [];
  const seen = new Set([index.digest]);
  const waiting: Descriptor[] = [];
  let current: RawDocument | undefined = index;
  while (current !== undefined) {
    for (const item of parseIndex(current.bytes, `${layout.name}: index ${current.digest}`)) {
      if (isAttestation(item)) continue;
      if (isManifestType(item.mediaType)) found.push(item);
      else if (isIndexType(item.mediaType) && !seen.has(item.digest) && seen.size < MAX_INDEXES) {
        seen.add(item.digest);
        if (layout.findBlob(item.digest) !== undefined) waiting.push(item);
      }
    }
    const next = waiting.shift();
    current = next === undefined ? undefined : readDocument(layout, next, MAX_MANIFEST_BYTES);
  }
  return found;
}

/** The document a descriptor leads to, proved. Throws NOT_FOUND when the layout lacks it, CORRUPT_INPUT. */
export function readDocument(layout: Layout, descriptor: Descriptor, limitBytes: number): RawDocument {
  const { digest, sizeBytes, mediaType } = descriptor;
  const blob = layout.findBlob(digest);
  if (blob === undefined) throw missingBlob(layout, `the document ${digest}`, digest);
  if (blob.sizeBytes !== sizeBytes) {
    throw corrupt(
      `${layout.name}: the document ${digest} has ${blob.sizeBytes} bytes; expected ${sizeBytes}`,
    );
  }
  const bytes = readRange(blob, 0, sizeBytes, limitBytes);
  if (sha256(bytes) === digest) return rawDocument(bytes, mediaType);
  throw corrupt(`${layout.name}: the document ${digest} is damaged: its digest is ${sha256(bytes)}`, {
    hint: 'Fetch the image again.',
  });
}

export function missingBlob(layout: Layout, what: string, digest: Digest): DidiffError {
  return new DidiffError('NOT_FOUND', `${layout.name}: ${what} is not in the layout`, {
    hint: 'The layout is not whole; copy the image again, for a name of several platforms with `skopeo copy --all`.',
    data: { digest },
  });
}

function readImage(layout: Layout, manifest: RawDocument): ResolvedImage {
  const what = `${layout.name}: manifest ${manifest.digest}`;
  assertNotBoth(manifest, what);
  const parsed = parseManifest(manifest.bytes, what);
  if (!isConfigType(parsed.config.mediaType)) throw notAnImage(layout, parsed.config);
  const config = readDocument(layout, parsed.config, MAX_CONFIG_BYTES);
  const parsedConfig = parseConfig(config.bytes, `${layout.name}: config ${config.digest}`);
  if (parsedConfig.diffIds.length === parsed.layers.length) return { manifest, parsed, config, parsedConfig };
  throw corrupt(`${what} has ${parsed.layers.length} layers; its config has ${parsedConfig.diffIds.length}`);
}

/** A document that is both would be read differently by different engines (CVE-2021-41190). */
function assertNotBoth(manifest: RawDocument, what: string): void {
  if (parseObject(manifest.bytes, what, MAX_MANIFEST_BYTES)['manifests'] === undefined) return;
  throw corrupt(`${what} is both a manifest and an index`);
}

function choosePlatform(
  layout: Layout,
  descriptor: Descriptor,
  candidates: readonly Descriptor[],
  platform: Platform | undefined,
): Descriptor {
  const wanted = platform ?? hostPlatform(process.arch, process.platform);
  const chosen = candidates.find((item) => samePlatform(platformOf(layout, item), wanted));
  if (chosen !== undefined) return chosen;
  const platforms = [...new Set(candidates.map((item) => formatPlatform(platformOf(layout, item))))];
  throw new DidiffError(
    'NOT_FOUND',
    `${layout.name}: the index ${shortDigest(descriptor.digest)} has no image for ${formatPlatform(wanted)}`,
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
export function platformOf(layout: Layout, descriptor: Descriptor): Platform {
  if (descriptor.platform !== undefined) return descriptor.platform;
  if (layout.findBlob(descriptor.digest) === undefined) return { os: 'unknown', architecture: 'unknown' };
  return readImage(layout, readDocument(layout, descriptor, MAX_MANIFEST_BYTES)).parsedConfig.platform;
}

function assertPlatform(layout: Layout, found: Platform, wanted: Platform | undefined): void {
  if (wanted === undefined || samePlatform(found, wanted)) return;
  throw new DidiffError(
    'NOT_FOUND',
    `${layout.name}: the image is for ${formatPlatform(found)}, not for ${formatPlatform(wanted)}`,
    { hint: 'Leave --platform out, or name another image.' },
  );
}

function notAnImage(layout: Layout, { digest, mediaType }: Descriptor): DidiffError {
  return new DidiffError('UNSUPPORTED', `${layout.name}: ${digest} is no container image but ${mediaType}`, {
    hint: 'didiff patches container images; other artifacts can be copied with `oras` or `skopeo`.',
  });
}
