/**
 * The frame of a gzip member (RFC 1952): header with all its optional fields, and the trailer. Headers are kept as
 * raw bytes, because nothing but the bytes themselves brings them back.
 */
import { type RandomAccess, readRange } from '../bytes/access.ts';
import { corrupt } from '../errors.ts';

export const TRAILER_BYTES = 8;
const FIXED_BYTES = 10;
/** Names and comments have no length field; more than this is taken for damage. */
const LARGEST_HEADER = 1 << 17;

const HAS_CRC = 2;
const HAS_EXTRA = 4;
const HAS_NAME = 8;
const HAS_COMMENT = 16;
const RESERVED = 0xe0;

export interface GzipHeader {
  /** The header's own bytes, from the magic number to the last optional field. */
  readonly bytes: Uint8Array;
  readonly mtime: number;
  /** XFL: 2 after best compression, 4 after fastest. */
  readonly extraFlags: number;
  readonly operatingSystem: number;
}

/** Whether two bytes at `position` are gzip's magic number. */
export function isGzip(from: RandomAccess, position = 0): boolean {
  if (position + 2 > from.sizeBytes) return false;
  const magic = readRange(from, position, 2, 2);
  return magic[0] === 0x1f && magic[1] === 0x8b;
}

/** Reads the member header at `position`. Throws CORRUPT_INPUT when it is none or is cut short. */
export function readGzipHeader(from: RandomAccess, position: number): GzipHeader {
  const available = Math.min(from.sizeBytes - position, LARGEST_HEADER);
  const first = readRange(from, position, Math.min(available, 512), 512);
  let size = gzipHeaderSize(first);
  let bytes = first;
  if (size === undefined && available > first.length) {
    bytes = readRange(from, position, available, LARGEST_HEADER);
    size = gzipHeaderSize(bytes);
  }
  if (size === undefined) throw corrupt(`the gzip header at byte ${position} is cut short`);
  return {
    bytes: bytes.slice(0, size),
    mtime: (bytes[4]! | (bytes[5]! << 8) | (bytes[6]! << 16) | (bytes[7]! << 24)) >>> 0,
    extraFlags: bytes[8]!,
    operatingSystem: bytes[9]!,
  };
}

/** How long the header at the start of `bytes` is; undefined when they end before it does. Throws CORRUPT_INPUT. */
export function gzipHeaderSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) {
    throw corrupt('a gzip member begins with bytes 1f 8b; other bytes were found');
  }
  if (bytes[2] !== 8) throw corrupt(`the gzip member says method ${bytes[2]}; only 8 (deflate) exists`);
  const flags = bytes[3]!;
  if ((flags & RESERVED) !== 0) throw corrupt('the gzip header has reserved flags set');
  let at: number | undefined = FIXED_BYTES;
  if ((flags & HAS_EXTRA) !== 0) {
    if (at + 2 > bytes.length) return undefined;
    at += 2 + (bytes[at]! | (bytes[at + 1]! << 8));
  }
  if ((flags & HAS_NAME) !== 0) at = afterZero(bytes, at);
  if ((flags & HAS_COMMENT) !== 0 && at !== undefined) at = afterZero(bytes, at);
  if ((flags & HAS_CRC) !== 0 && at !== undefined) at += 2;
  return at === undefined || at > bytes.length ? undefined : at;
}

function afterZero(bytes: Uint8Array, from: number): number | undefined {
  const zero = bytes.indexOf(0, from);
  return zero < 0 ? undefined : zero + 1;
}

/** The trailer that belongs to plain bytes of this checksum and length. */
export function gzipTrailer(crc: number, plainBytes: number): Uint8Array {
  const trailer = new Uint8Array(TRAILER_BYTES);
  const view = new DataView(trailer.buffer);
  view.setUint32(0, crc, true);
  view.setUint32(4, plainBytes % 2 ** 32, true);
  return trailer;
}
