/**
 * Manifests, indexes and configs, read from their raw bytes. The bytes are the truth: digests are taken of them as
 * received, and they are never written again from the parsed form (OCI image spec v1.1, manifest.md, config.md).
 */
import { type Digest, parseDigest, sha256 } from '../bytes/digest.ts';
import { corrupt, DidiffError } from '../errors.ts';
import {
  assertLayerType,
  isIndexType,
  isManifestType,
  OCI_CONFIG,
  OCI_LAYER_TAR,
  OCI_MANIFEST,
} from './media-types.ts';
import type { Platform } from './platform.ts';

/** Manifests larger than this are refused, as registries do. */
export const MAX_MANIFEST_BYTES = 4 << 20;
/** Configs carry the whole history; 8 MiB is far above any seen. */
export const MAX_CONFIG_BYTES = 8 << 20;

/** Content as stored, with its digest and its type. */
export interface RawDocument {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly mediaType: string;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly platform?: Platform;
  /** What it is a manifest of, where that is no image. */
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface Config {
  readonly diffIds: readonly Digest[];
  readonly platform: Platform;
}

export function rawDocument(bytes: Uint8Array, mediaType: string): RawDocument {
  return { bytes, digest: sha256(bytes), mediaType };
}

/** Parses an image manifest, called `what` in errors. Throws CORRUPT_INPUT, or UNSUPPORTED for what is no image. */
export function parseManifest(bytes: Uint8Array, what: string): Manifest {
  const json = parseObject(bytes, what, MAX_MANIFEST_BYTES);
  if (json['schemaVersion'] !== 2) {
    throw new DidiffError(
      'UNSUPPORTED',
      `${what} has schemaVersion ${String(json['schemaVersion'])}; expected 2`,
      {
        hint: 'Docker schema 1 images are from before 2016; push the image again with a current engine.',
      },
    );
  }
  const layers = parseDescriptors(json['layers'], `${what}: layers`);
  for (const [index, layer] of layers.entries()) assertLayerType(layer.mediaType, `${what}: layer ${index}`);
  return { config: parseDescriptor(json['config'], `${what}: config`), layers };
}

/** Parses an image index (or Docker manifest list) into its entries, in order. */
export function parseIndex(bytes: Uint8Array, what: string): readonly Descriptor[] {
  return parseDescriptors(parseObject(bytes, what, MAX_MANIFEST_BYTES)['manifests'], `${what}: manifests`);
}

/** Parses what didiff needs of an image config; the rest is carried as bytes. */
export function parseConfig(bytes: Uint8Array, what: string): Config {
  const json = parseObject(bytes, what, MAX_CONFIG_BYTES);
  const rootfs = asObject(json['rootfs'], `${what}: rootfs`);
  const diffIds = asArray(rootfs['diff_ids'] ?? [], `${what}: rootfs.diff_ids`);
  const variant = json['variant'];
  return {
    diffIds: diffIds.map((id, index) => parseDigest(id, `${what}: diff_ids[${index}]`)),
    platform: {
      os: typeof json['os'] === 'string' && json['os'] !== '' ? json['os'] : 'linux',
      architecture: typeof json['architecture'] === 'string' ? json['architecture'] : 'unknown',
      ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
    },
  };
}

/** The media type a manifest or index says it has, or that its fields show (OCI allows it to be absent). */
export function mediaTypeOf(bytes: Uint8Array, what: string): string {
  const json = parseObject(bytes, what, MAX_MANIFEST_BYTES);
  const claimed = json['mediaType'];
  if (typeof claimed === 'string' && (isManifestType(claimed) || isIndexType(claimed))) return claimed;
  if (Array.isArray(json['manifests'])) return 'application/vnd.oci.image.index.v1+json';
  return OCI_MANIFEST;
}

/** Buildkit stores attestations as manifests of platform unknown/unknown; they are no images to choose. */
export function isAttestation(descriptor: Descriptor): boolean {
  return (
    descriptor.annotations['vnd.docker.reference.type'] === 'attestation-manifest' ||
    (descriptor.platform?.os === 'unknown' && descriptor.platform.architecture === 'unknown')
  );
}

/**
 * A manifest for an image that has none (it comes from a classic engine or an old archive): its layers are stored
 * uncompressed, so their digests are the diffIDs. Deterministic: the same config and sizes give the same bytes.
 */
export function synthesiseManifest(
  config: Uint8Array,
  layers: readonly { diffId: Digest; sizeBytes: number }[],
): RawDocument {
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: sha256(config), size: config.length },
    layers: layers.map(({ diffId, sizeBytes }) => ({
      mediaType: OCI_LAYER_TAR,
      digest: diffId,
      size: sizeBytes,
    })),
  });
  return rawDocument(new TextEncoder().encode(text), OCI_MANIFEST);
}

export function parseDescriptor(value: unknown, what: string): Descriptor {
  const json = asObject(value, what);
  const { mediaType, size, artifactType } = json;
  if (typeof mediaType !== 'string') throw corrupt(`${what} has no mediaType`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw corrupt(`${what} has no valid size: found ${JSON.stringify(size)}`);
  }
  const platform = parsePlatformObject(json['platform']);
  return {
    mediaType,
    digest: parseDigest(json['digest'], `${what}: digest`),
    sizeBytes: size,
    ...(platform === undefined ? {} : { platform }),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
    annotations: parseAnnotations(json['annotations']),
  };
}

export function parseDescriptors(value: unknown, what: string): readonly Descriptor[] {
  return asArray(value, what).map((item, index) => parseDescriptor(item, `${what}[${index}]`));
}

function parsePlatformObject(value: unknown): Platform | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { os, architecture, variant } = value as Record<string, unknown>;
  if (typeof os !== 'string' || typeof architecture !== 'string') return undefined;
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) };
}

export function parseAnnotations(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Parses JSON that must be an object. Throws CORRUPT_INPUT. */
export function parseObject(bytes: Uint8Array, what: string, limitBytes: number): Record<string, unknown> {
  if (bytes.length > limitBytes) {
    throw new DidiffError('LIMIT', `${what} is ${bytes.length} bytes; at most ${limitBytes} are accepted`);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt(`${what} is not JSON: ${(cause as Error).message}`, { cause });
  }
  return asObject(value, what);
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw corrupt(`${what} is not a JSON object`);
  return value as Record<string, unknown>;
}

function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw corrupt(`${what} is not a JSON array`);
  return value;
}
