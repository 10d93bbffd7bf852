/**
 * One 512-byte tar header block: its checksum and its fields (POSIX.1-2024 `pax`, "ustar Interchange Format"; GNU tar
 * manual, "Basic Tar Format"). Guards that no field is believed before the checksum holds.
 */

export const BLOCK_BYTES = 512;

export type BlockFormat = 'v7' | 'ustar' | 'star' | 'gnu';

/** The fields of a block. Texts hold one character per byte (latin1). */
export interface HeaderBlock {
  readonly format: BlockFormat;
  /** With the prefix, when the format has one. */
  readonly path: string;
  readonly linkTarget: string;
  /** Undefined when the field is no number, negative, or beyond 2^53. */
  readonly sizeBytes: number | undefined;
  readonly typeFlag: string;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly uid: number;
  readonly gid: number;
  /** Major and minor number, of devices only. */
  readonly device: readonly [number, number] | undefined;
}

const NUL = 0;
const SPACE = 0x20;
const ZERO_DIGIT = 0x30;
const CHECKSUM_AT = 148;
const MAGIC_AT = 257;
const PREFIX_AT = 345;

export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < block.length; i++) if (block[i] !== 0) return false;
  return true;
}

/** Reads `block` (512 bytes); undefined when its checksum is wrong. The result keeps no reference to `block`. */
export function parseBlock(block: Uint8Array): HeaderBlock | undefined {
  if (!isChecksumRight(block)) return undefined;
  const buffer = asBuffer(block);
  const format = formatOf(block);
  const size = parseNumber(block, 124, 12);
  const typeFlag = String.fromCharCode(block[156]!);
  const isDevice = (typeFlag === '3' || typeFlag === '4') && format !== 'v7';
  return {
    format,
    path: pathOf(buffer, format),
    linkTarget: parseText(buffer, 157, 100),
    sizeBytes: size === undefined || size < 0 ? undefined : size,
    typeFlag,
    mode: parseNumber(block, 100, 8) ?? 0,
    mtime: parseNumber(block, 136, 12) ?? 0,
    uid: parseNumber(block, 108, 8) ?? 0,
    gid: parseNumber(block, 116, 8) ?? 0,
    device: isDevice ? [parseNumber(block, 329, 8) ?? 0, parseNumber(block, 337, 8) ?? 0] : undefined,
  };
}

/** The same memory as a Buffer, whose methods turn bytes into text fast. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Text up to the first NUL, one character per byte. */
export function parseText(buffer: Buffer, start: number, length: number): string {
  let end = start;
  while (end < start + length && buffer[end] !== NUL) end++;
  return end === start ? '' : buffer.toString('latin1', start, end);
}

/** Octal, or GNU's base-256 when the top bit is set. Undefined when it is neither, or unsafe as a number. */
export function parseNumber(block: Uint8Array, start: number, length: number): number | undefined {
  if ((block[start]! & 0x80) !== 0) return parseBase256(block, start, length);
  let from = start;
  let to = start + length;
  while (from < to && isBlank(block[from]!)) from++;
  while (to > from && isBlank(block[to - 1]!)) to--;
  let value = 0;
  for (let i = from; i < to && block[i] !== NUL; i++) {
    const digit = block[i]! - ZERO_DIGIT;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  // At most 12 digits, so 36 bits.
  return value;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === NUL;
}

/** Two's complement, most significant byte first; the top bit only marks the encoding, the next is the sign. */
function parseBase256(block: Uint8Array, start: number, length: number): number | undefined {
  const negative = (block[start]! & 0x40) !== 0;
  const flip = negative ? 0xff : 0;
  let value = (block[start]! ^ flip) & 0x7f;
  for (let i = start + 1; i < start + length; i++) value = value * 256 + (block[i]! ^ flip);
  if (value >= Number.MAX_SAFE_INTEGER) return undefined;
  return negative ? -value - 1 : value;
}

/**
 * The sum of all bytes, with the checksum field itself as spaces. Some old writers summed signed bytes: both are right.
 */
function isChecksumRight(block: Uint8Array): boolean {
  const stored = parseNumber(block, CHECKSUM_AT, 8);
  const sum = sumBytes(block, 0, CHECKSUM_AT) + 8 * SPACE + sumBytes(block, CHECKSUM_AT + 8, BLOCK_BYTES);
  return stored === sum || stored === sum - 256 * countHighBytes(block);
}

/** From a multiple of four to a multiple of four: four sums at once let the processor work on them side by side. */
function sumBytes(block: Uint8Array, from: number, to: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = from; i < to; i += 4) {
    a += block[i]!;
    b += block[i + 1]!;
    c += block[i + 2]!;
    d += block[i + 3]!;
  }
  return a + b + c + d;
}

function countHighBytes(block: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    if (i === CHECKSUM_AT) i += 8;
    count += block[i]! >> 7;
  }
  return count;
}

function formatOf(block: Uint8Array): BlockFormat {
  if (!holds(block, MAGIC_AT, 'ustar')) return 'v7';
  if (block[MAGIC_AT + 5] === NUL) return holds(block, 508, 'tar\0') ? 'star' : 'ustar';
  return holds(block, MAGIC_AT, 'ustar  \0') ? 'gnu' : 'v7';
}

function holds(block: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (block[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function pathOf(buffer: Buffer, format: BlockFormat): string {
  const name = parseText(buffer, 0, 100);
  const prefix = prefixOf(buffer, format);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function prefixOf(buffer: Buffer, format: BlockFormat): string {
  if (format === 'ustar') return parseText(buffer, PREFIX_AT, 155);
  if (format === 'star') return parseText(buffer, PREFIX_AT, 131);
  // GNU blocks have times there. Go before 1.8 (so docker up to 1.13) put a prefix all the same; then these fields
  // are no numbers, which is how today's Go tells.
  if (format === 'gnu' && buffer[PREFIX_AT] !== NUL && !hasGnuTimes(buffer)) {
    const prefix = parseText(buffer, PREFIX_AT, 155);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII as a whole
    return /^[\x00-\x7f]*$/.test(prefix) ? prefix : '';
  }
  return '';
}

function hasGnuTimes(block: Uint8Array): boolean {
  return (
    parseNumber(block, PREFIX_AT, 12) !== undefined && parseNumber(block, PREFIX_AT + 12, 12) !== undefined
  );
}
