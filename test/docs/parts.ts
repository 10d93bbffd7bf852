/**
 * Sections 7.7 and 7.8 of docs/format.md: parts of files, opened and closed, all in memory. Nothing of src is used; of the
 * engines only that one is here which Node brings along.
 */
import { constants, crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { closeBitcode, isBitcode, openBitcode } from './bitcode.ts';
import { type Reader, read } from './cursor.ts';
import { closeStrings, openStrings } from './strings.ts';

/** The base space with the views of a layer behind it; `size` is what all views come to. */
export function withViews(base: Uint8Array, list: Uint8Array, size: number): Uint8Array {
  const input = read(list);
  const entries = new Set<number>();
  let space: Uint8Array = base;
  let place = 0;
  while (input.left > 0) {
    const value = input.integer();
    const rest = Math.floor(value / 4);
    const address = place + (rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2);
    if (address < 0 || address >= space.length) throw new Error('a view is outside of the base');
    const { plain, closedBytes } = open(value % 4, Buffer.from(space.subarray(address)), address, entries);
    if (plain.length === 0) throw new Error('a view is empty');
    if (value % 4 === 2) entries.add(address);
    space = Buffer.concat([space, plain]);
    place = address + closedBytes;
  }
  if (space.length !== base.length + size) throw new Error('the views are not of their size');
  return space;
}

interface Opened {
  readonly plain: Buffer;
  readonly closedBytes: number;
}

function open(form: number, bytes: Buffer, address: number, entries: ReadonlySet<number>): Opened {
  if (form === 3 && isBitcode(bytes)) return openBitcode(bytes);
  if (form === 3 && bytes[0] === 0x22) return openStrings(bytes);
  if (form === 3) return openDirectory(bytes, address, entries);
  const headerBytes = headerSize(form, bytes);
  const { content, size } = inflate(bytes.subarray(headerBytes));
  const header = Buffer.from(bytes.subarray(0, headerBytes));
  const end = headerBytes + size;
  if (form !== 2) {
    const trailer = form === 0 ? Buffer.alloc(0) : gzipTrailer(content);
    expectAt(bytes, end, trailer);
    return { plain: Buffer.concat([header, content]), closedBytes: end + trailer.length };
  }
  const sums = sumsOf(content, size);
  const isBehind = (header.readUInt16LE(6) & 8) !== 0;
  expectAt(header, 14, isBehind ? Buffer.alloc(12) : sums);
  header.fill(0, 14, 26);
  const descriptor = isBehind ? Buffer.concat([DESCRIPTOR, sums]) : Buffer.alloc(0);
  expectAt(bytes, end, descriptor);
  return { plain: Buffer.concat([header, content]), closedBytes: end + descriptor.length };
}

const DESCRIPTOR = Buffer.from('504b0708', 'hex');

function headerSize(form: number, bytes: Buffer): number {
  if (form === 0) return 0;
  if (form === 2) {
    if (bytes.toString('hex', 0, 4) !== '504b0304' || bytes.readUInt16LE(8) !== 8)
      throw new Error('no entry');
    return 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
  }
  if (bytes.toString('hex', 0, 3) !== '1f8b08') throw new Error('no gzip member');
  const flags = bytes[3]!;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + bytes.readUInt16LE(at);
  for (const flag of [8, 16]) if ((flags & flag) !== 0) at = bytes.indexOf(0, at) + 1;
  return (flags & 2) !== 0 ? at + 2 : at;
}

/** What the stream at the start of `bytes` expands to, and its size. */
function inflate(bytes: Buffer): { readonly content: Buffer; readonly size: number } {
  const { buffer, engine } = inflateRawSync(bytes, { info: true }) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  return { content: buffer, size: engine.bytesWritten };
}

function gzipTrailer(content: Uint8Array): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length, 4);
  return trailer;
}

function sumsOf(content: Uint8Array, size: number): Buffer {
  const sums = Buffer.alloc(12);
  sums.writeUInt32LE(crc32(content), 0);
  sums.writeUInt32LE(size, 4);
  sums.writeUInt32LE(content.length, 8);
  return sums;
}

function expectAt(bytes: Buffer, at: number, expected: Buffer): void {
  if (!bytes.subarray(at, at + expected.length).equals(expected))
    throw new Error('a part does not end as it should');
}

/** Where each record begins, and where the end record does. */
function recordsOf(bytes: Buffer): readonly number[] {
  const places = [0];
  while (bytes.toString('hex', places.at(-1)!, places.at(-1)! + 4) === '504b0102') {
    const at = places.at(-1)!;
    places.push(at + 46 + [28, 30, 32].reduce((sum, field) => sum + bytes.readUInt16LE(at + field), 0));
  }
  return places;
}

function openDirectory(bytes: Buffer, address: number, entries: ReadonlySet<number>): Opened {
  const places = recordsOf(bytes);
  const end = places.at(-1)!;
  if (bytes.toString('hex', end, end + 4) !== '504b0506' || bytes.readUInt32LE(end + 12) !== end)
    throw new Error('no directory');
  const start = address - bytes.readUInt32LE(end + 16);
  const plain = Buffer.from(bytes.subarray(0, end + 22 + bytes.readUInt16LE(end + 20)));
  let before = 0;
  for (const at of places.slice(0, -1)) {
    const offset = bytes.readUInt32LE(at + 42);
    plain.writeUInt32LE((offset - before + 2 ** 33) % 2 ** 32, at + 42);
    before = offset + bytes.readUInt32LE(at + 20);
    if (entries.has(start + offset)) plain.fill(0, at + 16, at + 28);
  }
  plain.fill(0, end + 12, end + 20);
  return { plain, closedBytes: plain.length };
}

/** A way to close parts: its form, and for an engine its numbers. */
export interface Way {
  readonly form: number;
  readonly engine: readonly number[];
}

export function readWay(ops: Reader): Way {
  const form = ops.integer();
  if (form >= 3) return { form, engine: [] };
  const [engine, version, count] = [ops.integer(), ops.integer(), ops.integer()];
  const parameters = Array.from({ length: count }, () => ops.integer());
  return { form, engine: [engine, version, ...parameters] };
}

/** What was made of entries in one tar or plain form, by the place of each: its sums. */
export type Entries = Map<number, Buffer>;

/** The part at place `at`; `back` is a directory's. */
export function close(way: Way, plain: Buffer, at: number, back: number, entries: Entries): Buffer {
  if (way.form === 5) return closeStrings(plain);
  if (way.form === 4) return closeBitcode(plain);
  if (way.form === 3) return closeDirectory(plain, at - back, back, entries);
  const headerBytes = headerSize(way.form, plain);
  const header = Buffer.from(plain.subarray(0, headerBytes));
  const content = plain.subarray(headerBytes);
  const data = deflate(way.engine, content);
  if (way.form !== 2)
    return Buffer.concat([header, data, way.form === 0 ? Buffer.alloc(0) : gzipTrailer(content)]);
  const sums = sumsOf(content, data.length);
  if (entries.size < 262_140) entries.set(at, sums);
  if ((header.readUInt16LE(6) & 8) !== 0) return Buffer.concat([header, data, DESCRIPTOR, sums]);
  sums.copy(header, 14);
  return Buffer.concat([header, data]);
}

function closeDirectory(plain: Buffer, start: number, back: number, entries: Entries): Buffer {
  const closed = Buffer.from(plain);
  const places = recordsOf(closed);
  const end = places.at(-1)!;
  let before = 0;
  for (const at of places.slice(0, -1)) {
    const offset = (plain.readUInt32LE(at + 42) + before) % 2 ** 32;
    closed.writeUInt32LE(offset, at + 42);
    entries.get(start + offset)?.copy(closed, at + 16);
    before = offset + closed.readUInt32LE(at + 20);
  }
  if (closed.toString('hex', end, end + 4) === '504b0506') {
    closed.writeUInt32LE(end, end + 12);
    closed.writeUInt32LE(back, end + 16);
  }
  for (const place of [...entries.keys()]) if (place >= start) entries.delete(place);
  return closed;
}

/** Engine 4, zlib, of the flavour that Node has. */
function deflate([engine, version, level, flavour]: readonly number[], content: Uint8Array): Buffer {
  if (engine !== 4 || version !== 1) throw new Error(`engine ${engine} is not in this decoder`);
  // Of short contents all flavours make the same: then it is not told which it was.
  if (flavour !== 3 && content.length > 4096) throw new Error(`flavour ${flavour} is not in this decoder`);
  return deflateRawSync(content, { level: level!, strategy: constants.Z_DEFAULT_STRATEGY });
}
