/**
 * The entries of a zip archive as its directory has them, for who looks for parts to open. Recognised by content alone;
 * whatever does not fit is left out or makes it no archive, since all bytes can always be taken as they are.
 */
import { type RandomAccess, readRange } from '../bytes/access.ts';
import { MAX_ENTRIES } from './forms.ts';
import { readUint16, readUint32 } from './little-endian.ts';
import {
  DESCRIPTOR_BYTES,
  DESCRIPTOR_SIGNATURE,
  END_BYTES,
  END_DIRECTORY_BYTES,
  END_DIRECTORY_OFFSET,
  END_SIGNATURE,
  hasDescriptor,
  LOCAL_BYTES,
  LOCAL_SIGNATURE,
  METHOD_DEFLATE,
  RECORD_BYTES,
  RECORD_CHECKSUM,
  RECORD_OFFSET,
  RECORD_SIGNATURE,
  type Sums,
} from './zip.ts';

export interface ZipEntry extends Sums {
  /** Byte for byte as it stands there, whatever its encoding. */
  readonly name: string;
  /** Of its local header; positions count from the start of what was listed. */
  readonly start: number;
  readonly dataStart: number;
  /** Behind its data, and the data descriptor if there is one. */
  readonly end: number;
  readonly isDeflated: boolean;
}

export interface ZipListing {
  /** By ascending place; they don't overlap. */
  readonly entries: readonly ZipEntry[];
  /** Where the offsets in the directory count from. */
  readonly archiveStart: number;
  readonly directoryStart: number;
}

const MAX_COMMENT_BYTES = 0xffff;
/** Directories beyond this are not looked into. */
const MAX_DIRECTORY_BYTES = 32 << 20;
const FLAG_ENCRYPTED = 1;

/** Lists an archive that ends where `content` ends; undefined when there is none, or one that is not understood. */
export function listZip(content: RandomAccess): ZipListing | undefined {
  const endAt = findEnd(content);
  if (endAt === undefined) return undefined;
  const end = readRange(content, endAt, END_BYTES, END_BYTES);
  const directoryBytes = readUint32(end, END_DIRECTORY_BYTES);
  const directoryStart = endAt - directoryBytes;
  const archiveStart = directoryStart - readUint32(end, END_DIRECTORY_OFFSET);
  if (archiveStart < 0 || directoryBytes > MAX_DIRECTORY_BYTES || directoryBytes < RECORD_BYTES)
    return undefined;
  const directory = readRange(content, directoryStart, directoryBytes, MAX_DIRECTORY_BYTES);
  const entries: ZipEntry[] = [];
  for (let at = 0, count = 0; at < directory.length; count++) {
    const record = directory.subarray(at);
    if (record.length < RECORD_BYTES || readUint32(record, 0) !== RECORD_SIGNATURE || count === MAX_ENTRIES)
      return undefined;
    const entry = readEntry(content, record, archiveStart, directoryStart);
    if (entry !== undefined) entries.push(entry);
    at += RECORD_BYTES + readUint16(record, 28) + readUint16(record, 30) + readUint16(record, 32);
  }
  entries.sort((a, b) => a.start - b.start);
  let last = 0;
  const apart = entries.filter(({ start, end: entryEnd }) => {
    if (start < last) return false;
    last = entryEnd;
    return true;
  });
  return { entries: apart, archiveStart, directoryStart };
}

/** The place of the end record whose comment reaches just to the end. */
function findEnd(content: RandomAccess): number | undefined {
  const { sizeBytes } = content;
  if (sizeBytes < END_BYTES + RECORD_BYTES) return undefined;
  const isEnd = (bytes: Uint8Array, at: number) =>
    readUint32(bytes, at) === END_SIGNATURE && readUint16(bytes, at + 20) === bytes.length - at - END_BYTES;
  const last = readRange(content, sizeBytes - END_BYTES, END_BYTES, END_BYTES);
  if (isEnd(last, 0)) return sizeBytes - END_BYTES;
  // With a comment, which only what begins like an archive is searched for.
  if (readUint32(readRange(content, 0, 4, 4), 0) !== LOCAL_SIGNATURE) return undefined;
  const count = Math.min(sizeBytes, END_BYTES + MAX_COMMENT_BYTES);
  const tail = readRange(content, sizeBytes - count, count, count);
  for (let at = count - END_BYTES; at >= 0; at--) if (isEnd(tail, at)) return sizeBytes - count + at;
  return undefined;
}

function readEntry(
  content: RandomAccess,
  record: Uint8Array,
  archiveStart: number,
  directoryStart: number,
): ZipEntry | undefined {
  const start = archiveStart + readUint32(record, RECORD_OFFSET);
  if (start + LOCAL_BYTES > directoryStart) return undefined;
  const local = readRange(content, start, LOCAL_BYTES, LOCAL_BYTES);
  if (readUint32(local, 0) !== LOCAL_SIGNATURE) return undefined;
  const dataStart = start + LOCAL_BYTES + readUint16(local, 26) + readUint16(local, 28);
  const closedBytes = readUint32(record, RECORD_CHECKSUM + 4);
  const dataEnd = dataStart + closedBytes;
  const end = dataEnd + (hasDescriptor(local) && isDescriptorAt(content, dataEnd) ? DESCRIPTOR_BYTES : 0);
  if (end > directoryStart) return undefined;
  const method = readUint16(record, 10);
  const flags = readUint16(record, 8);
  return {
    name: Buffer.from(record.subarray(RECORD_BYTES, RECORD_BYTES + readUint16(record, 28))).toString(
      'latin1',
    ),
    start,
    dataStart,
    end,
    checksum: readUint32(record, RECORD_CHECKSUM),
    closedBytes,
    plainBytes: readUint32(record, RECORD_CHECKSUM + 8),
    isDeflated: method === METHOD_DEFLATE && (flags & FLAG_ENCRYPTED) === 0,
  };
}

function isDescriptorAt(content: RandomAccess, at: number): boolean {
  if (at + DESCRIPTOR_BYTES > content.sizeBytes) return false;
  return readUint32(readRange(content, at, 4, 4), 0) === DESCRIPTOR_SIGNATURE;
}
