/**
 * Writes tar headers, the same bytes for the same input: POSIX ustar, with a PAX header in front only where a name or
 * size does not fit (POSIX.1-2024 `pax`). No times, owners or anything else of the machine.
 */
import { BLOCK_BYTES } from './block.ts';
import { MAX_EXTENSION_BYTES, paddedBytes } from './header.ts';

export interface TarHeaderFields {
  /** One character per byte, as in `TarEntry.path`; see `nameOfText`. */
  readonly path: string;
  /** Stored content; must be 0 for all types but files. Default 0. */
  readonly sizeBytes?: number;
  /** Default `file`. */
  readonly type?: 'file' | 'directory' | 'hardlink' | 'symlink';
  /** In the form of `path`; for links only. */
  readonly linkTarget?: string;
  /** Default 0644, for directories 0755, for symbolic links 0777. */
  readonly mode?: number;
  /** Whole seconds since 1970, default 0. */
  readonly mtime?: number;
}

/** The two zero blocks that end an archive. Not to be written to. */
export const END_OF_ARCHIVE = new Uint8Array(2 * BLOCK_BYTES);

/** How many zero bytes follow a content of `sizeBytes`. */
export function tarPadding(sizeBytes: number): number {
  return paddedBytes(sizeBytes) - sizeBytes;
}

const TYPE_FLAGS = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const;
const DEFAULT_MODES = { file: 0o644, hardlink: 0o644, symlink: 0o777, directory: 0o755 } as const;
const MAX_OCTAL_SIZE = 8 ** 11 - 1;
const MAX_NAME = 100;
const MAX_PREFIX = 155;
/** What archivers that don't know PAX would extract its header as. */
const PAX_HEADER_NAME = 'PaxHeaders.0/entry';

/** The header blocks of an entry. Throws a RangeError for names with NUL or wide characters and for unfit numbers. */
export function encodeTarHeader(fields: TarHeaderFields): Uint8Array {
  const { path, sizeBytes = 0, type = 'file', linkTarget = '', mtime = 0 } = fields;
  const mode = fields.mode ?? DEFAULT_MODES[type];
  assertName(path, 'path');
  if (linkTarget !== '') assertName(linkTarget, 'link target');
  assertNumber(sizeBytes, type === 'file' ? Number.MAX_SAFE_INTEGER : 0, 'size');
  assertNumber(mode, 0o7777, 'mode');
  assertNumber(mtime, MAX_OCTAL_SIZE, 'mtime');
  const records: string[] = [];
  const split = splitPath(path);
  if (split === undefined) records.push(paxRecord('path', path));
  if (linkTarget.length > MAX_NAME) records.push(paxRecord('linkpath', linkTarget));
  if (sizeBytes > MAX_OCTAL_SIZE) records.push(paxRecord('size', String(sizeBytes)));
  const block = encodeBlock({
    name: split?.name ?? path.slice(0, MAX_NAME),
    prefix: split?.prefix ?? '',
    // Where PAX says the size, readers ignore this one.
    sizeBytes: sizeBytes > MAX_OCTAL_SIZE ? 0 : sizeBytes,
    typeFlag: TYPE_FLAGS[type],
    linkTarget: linkTarget.slice(0, MAX_NAME),
    mode,
    mtime,
  });
  return records.length === 0 ? block : concat(encodePax(records, path + linkTarget), block);
}

function assertName(name: string, what: string): void {
  const isPlain =
    name !== '' && !name.includes('\0') && Buffer.from(name, 'latin1').toString('latin1') === name;
  if (isPlain && name.length < MAX_EXTENSION_BYTES / 4) return;
  throw new RangeError(
    `tar ${what} ${JSON.stringify(name.slice(0, 80))} is empty, too long or not plain bytes`,
  );
}

function assertNumber(value: number, max: number, what: string): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return;
  throw new RangeError(`tar ${what} ${value} is not a whole number from 0 to ${max}`);
}

/** Fits a path into the block: a name of 100 bytes, and before it a prefix of 155 that ends at a slash. */
function splitPath(path: string): { name: string; prefix: string } | undefined {
  if (path.length <= MAX_NAME) return { name: path, prefix: '' };
  // The first slash that leaves a short enough name, but not one at the very end: the name must not be empty.
  const slash = path.indexOf('/', Math.max(1, path.length - MAX_NAME - 1));
  if (slash < 0 || slash > MAX_PREFIX || slash === path.length - 1) return undefined;
  return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function encodePax(records: readonly string[], names: string): Uint8Array {
  // PAX names are UTF-8 unless this record says that they are mere bytes.
  const all = isUtf8(names) ? records : [paxRecord('hdrcharset', 'BINARY'), ...records];
  const data = Buffer.from(all.join(''), 'latin1');
  const header = encodeBlock({
    name: PAX_HEADER_NAME,
    prefix: '',
    sizeBytes: data.length,
    typeFlag: 'x',
    linkTarget: '',
    mode: 0o644,
    mtime: 0,
  });
  return concat(header, data, new Uint8Array(tarPadding(data.length)));
}

function isUtf8(name: string): boolean {
  const bytes = Buffer.from(name, 'latin1');
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
}

interface BlockFields {
  readonly name: string;
  readonly prefix: string;
  readonly sizeBytes: number;
  readonly typeFlag: string;
  readonly linkTarget: string;
  readonly mode: number;
  readonly mtime: number;
}

function encodeBlock(fields: BlockFields): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(fields.name, 0, 'latin1');
  block.write(octal(fields.mode, 7), 100, 'latin1');
  block.write(octal(0, 7), 108, 'latin1');
  block.write(octal(0, 7), 116, 'latin1');
  block.write(octal(fields.sizeBytes, 11), 124, 'latin1');
  block.write(octal(fields.mtime, 11), 136, 'latin1');
  block.write('        ', 148, 'latin1');
  block.write(fields.typeFlag, 156, 'latin1');
  block.write(fields.linkTarget, 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(octal(0, 7), 329, 'latin1');
  block.write(octal(0, 7), 337, 'latin1');
  block.write(fields.prefix, 345, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return new Uint8Array(block.buffer, block.byteOffset, BLOCK_BYTES);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = Buffer.concat(parts);
  return new Uint8Array(all.buffer, all.byteOffset, all.length);
}
