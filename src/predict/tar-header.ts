/**
 * Predicts a tar header block from one of the base: most fields are the same, sizes and times differ by a number, and
 * the checksum follows from the rest. Both sides run this alike; docs/format.md, "Headers", gives the coding to the
 * letter.
 */
import { type Cursor, pushVarint, readVarint, unzigzag, zigzag } from '../bytes/varint.ts';
import { corrupt } from '../errors.ts';

export const HEADER_BYTES = 512;
/** No coded header is longer: every field raw, with its lengths. */
export const MAX_CODED_HEADER_BYTES = 1024;

/** What one header tells about the next: files rebuilt together moved in time by the same amount. */
export interface HeaderState {
  mtimeShift: number;
}

export function startHeaders(): HeaderState {
  return { mtimeShift: 0 };
}

type FieldKind = 'text' | 'number' | 'raw';

interface Field {
  readonly start: number;
  readonly length: number;
  readonly kind: FieldKind;
}

const field = (start: number, length: number, kind: FieldKind): Field => ({ start, length, kind });

const MTIME = field(136, 12, 'number');
const CHECKSUM = field(148, 8, 'raw');

const SIZE = field(124, 12, 'number');

/** The fields of a ustar header (POSIX.1-2017, pax) in order; a field's place here is its bit in the mask. */
const FIELDS: readonly Field[] = [
  SIZE,
  MTIME,
  field(0, 100, 'text'), // name
  field(157, 100, 'text'), // linkname
  field(156, 1, 'raw'), // typeflag
  field(100, 8, 'number'), // mode
  field(108, 8, 'number'), // uid
  field(116, 8, 'number'), // gid
  field(345, 155, 'text'), // prefix
  field(265, 32, 'text'), // uname
  field(297, 32, 'text'), // gname
  field(257, 8, 'raw'), // magic and version
  field(329, 8, 'number'), // devmajor
  field(337, 8, 'number'), // devminor
  field(500, 12, 'raw'),
  CHECKSUM, // last: it is predicted from all the others
];

/** Codes `target` (512 bytes) as its differences from what `base` (512 bytes) predicts. */
export function encodeTarHeaderDelta(base: Uint8Array, target: Uint8Array, state: HeaderState): number[] {
  const built = Uint8Array.from(base);
  const body: number[] = [];
  let mask = 0;
  for (const [bit, each] of FIELDS.entries()) {
    predictField(built, each, state);
    if (!sameField(built, target, each)) {
      mask += 2 ** bit;
      encodeField(body, built, target, each);
      copyField(target, built, each);
    }
    if (each === MTIME) noteMtime(base, built, state);
  }
  const out: number[] = [];
  pushVarint(out, mask);
  return out.concat(body);
}

/** Rebuilds a header from its base (512 bytes) and the coded differences at `cursor`. Throws CORRUPT_INPUT. */
export function decodeTarHeaderDelta(base: Uint8Array, cursor: Cursor, state: HeaderState): Uint8Array {
  const built = base.slice();
  const mask = readVarint(cursor, "a header's mask");
  if (mask >= 2 ** FIELDS.length) throw corrupt(`a header's mask ${mask} names fields that do not exist`);
  for (const [bit, each] of FIELDS.entries()) {
    predictField(built, each, state);
    if ((mask >>> bit) & 1) decodeField(built, each, cursor);
    if (each === MTIME) noteMtime(base, built, state);
  }
  return built;
}

/** What the size field of a header (512 bytes) says; undefined when it is no number as docs/format.md has them. */
export function headerSize(header: Uint8Array): number | undefined {
  return parseNumber(header, SIZE);
}

function predictField(built: Uint8Array, each: Field, state: HeaderState): void {
  if (each === MTIME) {
    const time = parseNumber(built, each);
    if (time !== undefined) renderNumber(built, each, time + state.mtimeShift);
  } else if (each === CHECKSUM) {
    renderChecksum(built);
  }
}

function noteMtime(base: Uint8Array, built: Uint8Array, state: HeaderState): void {
  const before = parseNumber(base, MTIME);
  const after = parseNumber(built, MTIME);
  state.mtimeShift = before === undefined || after === undefined ? 0 : after - before;
}

/** The sum of all bytes with the checksum's own taken as spaces, as six octal digits, a NUL and a space. */
function renderChecksum(built: Uint8Array): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < HEADER_BYTES; i++) {
    if (i < CHECKSUM.start || i >= CHECKSUM.start + CHECKSUM.length) sum += built[i]!;
  }
  for (let i = 5; i >= 0; i--) {
    built[CHECKSUM.start + i] = 0x30 + (sum & 7);
    sum >>>= 3;
  }
  built[CHECKSUM.start + 6] = 0;
  built[CHECKSUM.start + 7] = 0x20;
}

/** Octal digits filling all of the field but its last byte, which is a NUL or a space; undefined when it isn't that. */
function parseNumber(bytes: Uint8Array, each: Field): number | undefined {
  let value = 0;
  for (let i = each.start; i < each.start + each.length - 1; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  const last = bytes[each.start + each.length - 1];
  return last === 0 || last === 0x20 ? value : undefined;
}

/** Writes the digits and leaves the last byte; answers false, with nothing written, when the value has no place. */
function renderNumber(bytes: Uint8Array, each: Field, value: number): boolean {
  if (value < 0 || value >= 8 ** (each.length - 1)) return false;
  let rest = value;
  for (let i = each.start + each.length - 2; i >= each.start; i--) {
    bytes[i] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  return true;
}

/** A number's difference or a text's changed middle when that gives the field exactly; else 0 and the raw bytes. */
function encodeField(out: number[], built: Uint8Array, target: Uint8Array, each: Field): void {
  if (each.kind === 'number') {
    const from = parseNumber(built, each);
    const to = parseNumber(target, each);
    const sameEnd = built[each.start + each.length - 1] === target[each.start + each.length - 1];
    if (from !== undefined && to !== undefined && sameEnd) {
      pushVarint(out, zigzag(to - from) + 1);
      return;
    }
    pushVarint(out, 0);
  } else if (each.kind === 'text') {
    const to = parseText(target, each);
    if (to !== undefined) {
      encodeText(out, builtText(built, each), to);
      return;
    }
    pushVarint(out, 0);
  }
  for (let i = each.start; i < each.start + each.length; i++) out.push(target[i]!);
}

function decodeField(built: Uint8Array, each: Field, cursor: Cursor): void {
  const code = each.kind === 'raw' ? 0 : readVarint(cursor, 'a header field');
  if (code === 0) {
    if (cursor.position + each.length > cursor.bytes.length) throw corrupt('a header field is cut short');
    built.set(cursor.bytes.subarray(cursor.position, cursor.position + each.length), each.start);
    cursor.position += each.length;
  } else if (each.kind === 'number') {
    const from = parseNumber(built, each);
    if (from === undefined || !renderNumber(built, each, from + unzigzag(code - 1))) {
      throw corrupt('a header field differs by a number that can not be');
    }
  } else {
    const text = decodeText(builtText(built, each), code - 1, cursor);
    if (text.length > each.length) throw corrupt('a header field is longer than its place');
    built.fill(0, each.start, each.start + each.length);
    built.set(text, each.start);
  }
}

/** The bytes up to the first NUL, when only NULs follow. */
function parseText(bytes: Uint8Array, each: Field): Uint8Array | undefined {
  const text = builtText(bytes, each);
  for (let i = each.start + text.length; i < each.start + each.length; i++)
    if (bytes[i] !== 0) return undefined;
  return text;
}

function builtText(bytes: Uint8Array, each: Field): Uint8Array {
  let end = each.start;
  while (end < each.start + each.length && bytes[end] !== 0) end++;
  return bytes.subarray(each.start, end);
}

function encodeText(out: number[], from: Uint8Array, to: Uint8Array): void {
  const most = Math.min(from.length, to.length);
  let prefix = 0;
  while (prefix < most && from[prefix] === to[prefix]) prefix++;
  let suffix = 0;
  while (suffix < most - prefix && from[from.length - 1 - suffix] === to[to.length - 1 - suffix]) suffix++;
  pushVarint(out, prefix + 1);
  pushVarint(out, suffix);
  pushVarint(out, to.length - prefix - suffix);
  out.push(...to.subarray(prefix, to.length - suffix));
}

function decodeText(from: Uint8Array, prefix: number, cursor: Cursor): Uint8Array {
  const suffix = readVarint(cursor, "a text's suffix");
  const length = readVarint(cursor, "a text's length");
  if (
    prefix + suffix > from.length ||
    length > HEADER_BYTES ||
    cursor.position + length > cursor.bytes.length
  ) {
    throw corrupt('a header text refers outside of its field');
  }
  const middle = cursor.bytes.subarray(cursor.position, cursor.position + length);
  cursor.position += length;
  return Buffer.concat([from.subarray(0, prefix), middle, from.subarray(from.length - suffix)]);
}

function sameField(a: Uint8Array, b: Uint8Array, each: Field): boolean {
  for (let i = each.start; i < each.start + each.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function copyField(from: Uint8Array, to: Uint8Array, each: Field): void {
  to.set(from.subarray(each.start, each.start + each.length), each.start);
}
