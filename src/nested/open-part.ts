/** From closed to plain: opens one compressed part of a file. What is not in the form it is said to be in is refused. */
import { crc32 } from 'node:zlib';
import { type RandomAccess, readPieces, readRange, sliceAccess } from '../bytes/access.ts';
import type { ByteSink } from '../deflate/bits.ts';
import { gzipTrailer, readGzipHeader, TRAILER_BYTES } from '../deflate/gzip.ts';
import type { Inflated, Inflater } from '../deflate/inflate.ts';
import { corrupt } from '../errors.ts';
import { openBitcode } from './bitcode/bitcode.ts';
import { plainDirectory } from './directory.ts';
import {
  FORM_BITCODE,
  FORM_DIRECTORY,
  FORM_ENTRY,
  FORM_GZIP,
  FORM_RAW,
  FORM_STRINGS,
  type Form,
} from './forms.ts';
import { readUint16, readUint32 } from './little-endian.ts';
import { openStrings } from './strings/open-strings.ts';
import {
  DESCRIPTOR_BYTES,
  deflatedHeaderBytes,
  END_BYTES,
  END_DIRECTORY_OFFSET,
  END_SIGNATURE,
  encodeDescriptor,
  encodeSums,
  hasDescriptor,
  LOCAL_BYTES,
  LOCAL_CHECKSUM,
  RECORD_BYTES,
  RECORD_SIGNATURE,
  SUMS_BYTES,
} from './zip.ts';

/** What an opened part came to, and where it ends in what it was taken from. */
export type OpenedPart = Inflated;

export interface OpenPartOptions {
  readonly inflater: Inflater;
  /** The plain form may not be larger. */
  readonly mostBytes: number;
  /** Whether an entry that begins at this address is opened; asked for directories. */
  readonly isOpened: (address: number) => boolean;
}

/** `sink` gets the plain bytes in pieces that are valid until it returns. Throws CORRUPT_INPUT. */
export function openPart(
  source: RandomAccess,
  form: Form,
  address: number,
  options: OpenPartOptions,
  sink: ByteSink,
): OpenedPart {
  if (form === FORM_DIRECTORY) return openDirectory(source, address, options, sink);
  if (form === FORM_BITCODE) return openBitcode(source, address, options.mostBytes, sink);
  if (form === FORM_STRINGS) return openStrings(source, address, options.mostBytes, sink);
  if (form === FORM_GZIP) return openGzip(source, address, options, sink);
  if (form === FORM_ENTRY) return openEntry(source, address, options, sink);
  if (form === FORM_RAW) return options.inflater.inflate(source, address, options.mostBytes, sink);
  throw corrupt(`there is no form ${form} of opened parts`);
}

function openGzip(
  source: RandomAccess,
  address: number,
  options: OpenPartOptions,
  sink: ByteSink,
): OpenedPart {
  const { bytes } = readGzipHeader(source, address);
  const { checksum, plainBytes, end } = inflateSummed(source, address, bytes, options, sink);
  if (!standsAt(source, end, gzipTrailer(checksum, plainBytes)))
    throw corrupt(`the gzip member at ${address} has a trailer that is not that of its content`);
  return { plainBytes: plainBytes + bytes.length, end: end + TRAILER_BYTES };
}

function openEntry(
  source: RandomAccess,
  address: number,
  options: OpenPartOptions,
  sink: ByteSink,
): OpenedPart {
  const header = readLocalHeader(source, address);
  const inFront = header.slice(LOCAL_CHECKSUM, LOCAL_CHECKSUM + SUMS_BYTES);
  header.fill(0, LOCAL_CHECKSUM, LOCAL_CHECKSUM + SUMS_BYTES);
  const { checksum, plainBytes, end } = inflateSummed(source, address, header, options, sink);
  const sums = { checksum, closedBytes: end - address - header.length, plainBytes };
  const behind = hasDescriptor(header);
  const expected = behind ? new Uint8Array(SUMS_BYTES) : encodeSums(sums);
  if (Buffer.compare(inFront, expected) !== 0 || (behind && !standsAt(source, end, encodeDescriptor(sums))))
    throw corrupt(`the zip entry at ${address} has a checksum or sizes that are not those of its content`);
  return { plainBytes: plainBytes + header.length, end: end + (behind ? DESCRIPTOR_BYTES : 0) };
}

/** Hands out the header, then the content of the stream behind it, with the checksum and size of the content. */
function inflateSummed(
  source: RandomAccess,
  address: number,
  header: Uint8Array,
  { inflater, mostBytes }: OpenPartOptions,
  sink: ByteSink,
): Inflated & { readonly checksum: number } {
  if (header.length > mostBytes)
    throw corrupt(`a header of ${header.length} bytes is more than the ${mostBytes} that may be opened`);
  sink(header);
  let checksum = 0;
  const inflated = inflater.inflate(source, address + header.length, mostBytes - header.length, (piece) => {
    checksum = crc32(piece, checksum);
    sink(piece);
  });
  return { ...inflated, checksum };
}

/** The local header at `address`, with its name and extra field. Throws CORRUPT_INPUT unless it is a deflated entry's. */
export function readLocalHeader(source: RandomAccess, address: number): Uint8Array {
  const room = source.sizeBytes - address;
  const size =
    room < LOCAL_BYTES
      ? undefined
      : deflatedHeaderBytes(readRange(source, address, LOCAL_BYTES, LOCAL_BYTES));
  if (size === undefined || size > room)
    throw corrupt(`there is no deflated zip entry at ${address}; a local header was expected`);
  return readRange(source, address, size, LOCAL_BYTES + 2 * 0xffff);
}

function openDirectory(
  source: RandomAccess,
  address: number,
  { mostBytes, isOpened }: OpenPartOptions,
  sink: ByteSink,
): OpenedPart {
  const { end, archiveStart } = measureDirectory(source, address);
  const sizeBytes = end - address;
  if (sizeBytes > mostBytes)
    throw corrupt(`a zip directory of ${sizeBytes} bytes is more than the ${mostBytes} that may be opened`);
  const stream = plainDirectory((offset) => isOpened(archiveStart + offset), sink);
  for (const piece of readPieces(sliceAccess(source, address, sizeBytes))) stream.write(piece);
  stream.finish();
  return { plainBytes: sizeBytes, end };
}

export interface DirectoryExtent {
  /** Behind the end record and its comment. */
  readonly end: number;
  /** The place that offsets count from. */
  readonly archiveStart: number;
}

/** Where the directory whose first record stands at `address` ends. Throws CORRUPT_INPUT when it isn't a whole one. */
export function measureDirectory(source: RandomAccess, address: number): DirectoryExtent {
  let at = address;
  for (;;) {
    const room = source.sizeBytes - at;
    if (room < END_BYTES) throw corrupt(`the zip directory at ${address} is cut short`);
    const head = readRange(source, at, Math.min(room, RECORD_BYTES), RECORD_BYTES);
    const signature = readUint32(head, 0);
    if (signature === RECORD_SIGNATURE && room >= RECORD_BYTES) {
      at += RECORD_BYTES + readUint16(head, 28) + readUint16(head, 30) + readUint16(head, 32);
      continue;
    }
    const end = at + END_BYTES + readUint16(head, 20);
    const archiveStart = address - readUint32(head, END_DIRECTORY_OFFSET);
    const isWhole = readUint32(head, 12) === (at - address) % 2 ** 32;
    if (signature !== END_SIGNATURE || end > source.sizeBytes || archiveStart < 0 || !isWhole)
      throw corrupt(`the zip directory at ${address} does not end as it should`);
    return { end, archiveStart };
  }
}

function standsAt(source: RandomAccess, address: number, expected: Uint8Array): boolean {
  if (expected.length > source.sizeBytes - address) return false;
  return Buffer.compare(readRange(source, address, expected.length, expected.length), expected) === 0;
}
