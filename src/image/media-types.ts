/** Media types of the OCI image spec (v1.1) and of Docker's schema 2, and what a layer's type says about its bytes. */
import { DidiffError } from '../errors.ts';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER_TAR = 'application/vnd.oci.image.layer.v1.tar';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';

export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';

export function isConfigType(mediaType: string): boolean {
  return mediaType === OCI_CONFIG || mediaType === DOCKER_CONFIG;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_INDEX;
}

/** How a blob's bytes are made from the layer tar. */
export type Compression = 'none' | 'gzip' | 'zstd';

const GZIP_MAGIC = [0x1f, 0x8b];
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** Skippable frames (RFC 8878, 3.1.2) may stand first. */
const ZSTD_SKIPPABLE = [0x2a, 0x4d, 0x18];

/** Tells by the first bytes (at least 4, unless the blob is shorter): media types in the wild are not always true. */
export function compressionOf(start: Uint8Array): Compression {
  if (startsWith(start, 0, GZIP_MAGIC)) return 'gzip';
  if (startsWith(start, 0, ZSTD_MAGIC)) return 'zstd';
  if (start.length >= 4 && (start[0]! & 0xf0) === 0x50 && startsWith(start, 1, ZSTD_SKIPPABLE)) return 'zstd';
  return 'none';
}

function startsWith(bytes: Uint8Array, at: number, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[at + index] === byte);
}

/** Throws UNSUPPORTED for layers that are no tar: artifacts such as Helm charts or WebAssembly modules. */
export function assertLayerType(mediaType: string, what: string): void {
  if (/\.tar(\.gzip|\+gzip|\+zstd|\.zstd)?$|layer\.v1\.tar/.test(mediaType)) return;
  throw new DidiffError(
    'UNSUPPORTED',
    `${what} has media type ${mediaType}, which is not a container layer`,
    {
      hint: 'didiff patches container images; other artifacts can be copied with `oras` or `skopeo`.',
    },
  );
}
