/** Fields of zip archives (APPNOTE 6.3.10, sections 4.3.7, 4.3.9, 4.3.12 and 4.3.16), at their offsets. */
import { readUint16, readUint32 } from './little-endian.ts';

export const LOCAL_SIGNATURE = 0x04034b50;
export const DESCRIPTOR_SIGNATURE = 0x08074b50;
export const RECORD_SIGNATURE = 0x02014b50;
export const END_SIGNATURE = 0x06054b50;

/** Without name and extra field. */
export const LOCAL_BYTES = 30;
export const LOCAL_FLAGS = 6;
export const LOCAL_METHOD = 8;
export const LOCAL_CHECKSUM = 14;

/** Checksum, compressed and plain size follow each other, 4 bytes each, wherever they stand. */
export const SUMS_BYTES = 12;
/** With its signature. */
export const DESCRIPTOR_BYTES = 16;

/** Without name, extra field and comment. */
export const RECORD_BYTES = 46;
export const RECORD_CHECKSUM = 16;
export const RECORD_COMPRESSED = 20;
export const RECORD_OFFSET = 42;

/** Without the comment. */
export const END_BYTES = 22;
export const END_DIRECTORY_BYTES = 12;
export const END_DIRECTORY_OFFSET = 16;

const FLAG_DESCRIPTOR = 8;
export const METHOD_DEFLATE = 8;

/** Whether checksum and sizes stand behind the entry's data instead of in front. */
export function hasDescriptor(localHeader: Uint8Array): boolean {
  return (readUint16(localHeader, LOCAL_FLAGS) & FLAG_DESCRIPTOR) !== 0;
}

/** Bytes of a local header whose first 30 are given; undefined when it is none, or not that of a deflated entry. */
export function deflatedHeaderBytes(start: Uint8Array): number | undefined {
  if (readUint32(start, 0) !== LOCAL_SIGNATURE || readUint16(start, LOCAL_METHOD) !== METHOD_DEFLATE)
    return undefined;
  return LOCAL_BYTES + readUint16(start, 26) + readUint16(start, 28);
}

/** What a zip archive says of an entry's content. */
export interface Sums {
  readonly checksum: number;
  /** Both modulo 2^32. */
  readonly closedBytes: number;
  readonly plainBytes: number;
}

export function encodeSums({ checksum, closedBytes, plainBytes }: Sums): Uint8Array {
  const bytes = new Uint8Array(SUMS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, checksum, true);
  view.setUint32(4, closedBytes % 2 ** 32, true);
  view.setUint32(8, plainBytes % 2 ** 32, true);
  return bytes;
}

/** The data descriptor, with its signature. */
export function encodeDescriptor(sums: Sums): Uint8Array {
  const bytes = new Uint8Array(DESCRIPTOR_BYTES);
  new DataView(bytes.buffer).setUint32(0, DESCRIPTOR_SIGNATURE, true);
  bytes.set(encodeSums(sums), 4);
  return bytes;
}
