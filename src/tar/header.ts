/**
 * What stands before an entry's content: extension blocks (PAX `x` and `g`, GNU `L` and `K`), the header block, sparse
 * map blocks. One parser for the walker (which has the bytes) and the stream reader (which waits for them). Where
 * writers and readers differ, Go's archive/tar is followed: it is what the container engines read layers with.
 */
import { asBuffer, BLOCK_BYTES, type HeaderBlock, isZeroBlock, parseBlock, parseText } from './block.ts';
import { type PaxRecords, parsePaxRecords, parsePaxSize, parsePaxTime } from './pax.ts';

/** The most data of one extension (a PAX header, a long name) that is read: what Go's archive/tar takes too. */
export const MAX_EXTENSION_BYTES = 1 << 20;
/** The most bytes that everything before one entry's content may take. */
export const MAX_HEADER_BYTES = 8 << 20;

export type TarEntryType =
  | 'file'
  | 'hardlink'
  | 'symlink'
  | 'directory'
  /** A regular file whose holes aren't stored: its stored content isn't its content. */
  | 'sparse'
  | 'character-device'
  | 'block-device'
  | 'fifo'
  | 'other';

/** An entry of a tar. Offsets are from the start of the tar. */
export interface TarEntry {
  /**
   * The name as stored, one character per byte (latin1), so that names that aren't UTF-8 are kept apart too;
   * `textOfName` decodes it. Not normalised: `./` in front and `/` behind stay.
   */
  readonly path: string;
  readonly type: TarEntryType;
  /** Of hard and symbolic links, in the form of `path`; else empty. */
  readonly linkTarget: string;
  /** Bytes of content that are stored, without padding; 0 for links, directories, devices. */
  readonly sizeBytes: number;
  readonly headerOffset: number;
  /** Length of the header with all its extensions; a multiple of 512. */
  readonly headerBytes: number;
  readonly contentOffset: number;
  /** Seconds since 1970; with a fraction where PAX has one. */
  readonly mtime: number;
  /** Permission bits as stored. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Major and minor number, of devices only. */
  readonly device: readonly [number, number] | undefined;
  /** Extended attributes by name, bytes as in `path`; undefined where there are none. */
  readonly xattrs: ReadonlyMap<string, string> | undefined;
}

export type HeaderResult =
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  /** A zero block: the end of the archive. */
  | { readonly kind: 'end' }
  /** Not a header; `reason` completes "the tar header at N …". */
  | { readonly kind: 'bad'; readonly reason: string };

/** Global PAX records seen so far; they hold for every later entry. */
export type GlobalRecords = Map<string, string>;

/**
 * Parses the header at `headerOffset`. A coroutine: it yields how many bytes it needs next (at most
 * MAX_EXTENSION_BYTES + 511) and is resumed with exactly those, or with undefined when the input ends before. The bytes
 * are used only until the next yield. `globals` is updated.
 */
export function* parseHeader(
  headerOffset: number,
  globals: GlobalRecords,
): Generator<number, HeaderResult, Uint8Array | undefined> {
  let records: PaxRecords | undefined;
  let longPath = '';
  let longLink = '';
  let headerBytes = 0;
  while (headerBytes < MAX_HEADER_BYTES) {
    const bytes = yield BLOCK_BYTES;
    if (bytes === undefined) return bad('is cut off');
    const block = parseBlock(bytes);
    if (block === undefined) {
      if (isZeroBlock(bytes)) return headerBytes === 0 ? { kind: 'end' } : bad('extends no entry');
      return bad('has a wrong checksum');
    }
    const extended = bytes[482] !== 0;
    headerBytes += BLOCK_BYTES;
    if (block.sizeBytes === undefined) return bad('has no valid size');
    if (!isExtension(block.typeFlag)) {
      if (block.typeFlag === 'S') {
        if (block.format !== 'gnu') return bad('is a sparse file of an unknown form');
        const mapBytes = extended ? yield* skipSparseMap(headerBytes) : 0;
        if (mapBytes === undefined) return bad('has a cut off or too long sparse map');
        headerBytes += mapBytes;
      }
      return makeEntry(block, { records, globals, longPath, longLink, headerOffset, headerBytes });
    }
    if (block.sizeBytes > MAX_EXTENSION_BYTES) return bad('has an extension that is too long');
    const data = block.sizeBytes === 0 ? new Uint8Array() : yield paddedBytes(block.sizeBytes);
    if (data === undefined) return bad('is cut off in an extension');
    headerBytes += data.length;
    const content = data.subarray(0, block.sizeBytes);
    if (block.typeFlag === 'L') longPath = parseLongName(content);
    else if (block.typeFlag === 'K') longLink = parseLongName(content);
    else {
      const parsed = parsePaxRecords(content);
      if (parsed === undefined) return bad('has malformed PAX records');
      if (block.typeFlag === 'g') mergeGlobals(globals, parsed);
      else records = parsed;
    }
  }
  return bad('is too long');
}

/** `X` is Solaris' early form of `x`. */
function isExtension(typeFlag: string): boolean {
  return typeFlag === 'x' || typeFlag === 'L' || typeFlag === 'K' || typeFlag === 'g' || typeFlag === 'X';
}

export function paddedBytes(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function bad(reason: string): HeaderResult {
  return { kind: 'bad', reason };
}

function parseLongName(content: Uint8Array): string {
  return parseText(asBuffer(content), 0, content.length);
}

/** Old GNU sparse files: map blocks follow as long as byte 504 says so. Gives their bytes. */
function* skipSparseMap(headerBytes: number): Generator<number, number | undefined, Uint8Array | undefined> {
  let mapBytes = 0;
  for (;;) {
    const block = yield BLOCK_BYTES;
    mapBytes += BLOCK_BYTES;
    if (block === undefined || headerBytes + mapBytes > MAX_HEADER_BYTES) return undefined;
    if (block[504] === 0) return mapBytes;
  }
}

function mergeGlobals(globals: GlobalRecords, records: PaxRecords): void {
  // Only what changes how entries are read is kept: hostile input can't fill the memory with other keys.
  for (const key of USED_KEYS) {
    const value = records.get(key);
    if (value === '') globals.delete(key);
    else if (value !== undefined) globals.set(key, value);
  }
}

const USED_KEYS = [
  'path',
  'linkpath',
  'size',
  'mtime',
  'uid',
  'gid',
  'GNU.sparse.name',
  'GNU.sparse.major',
  'GNU.sparse.size',
];

interface EntryParts {
  readonly records: PaxRecords | undefined;
  readonly globals: GlobalRecords;
  readonly longPath: string;
  readonly longLink: string;
  readonly headerOffset: number;
  readonly headerBytes: number;
}

function makeEntry(block: HeaderBlock, parts: EntryParts): HeaderResult {
  const { records, globals, headerOffset, headerBytes } = parts;
  // Nearly all entries of layers are plain; it pays to not look six times for records that aren't there.
  const pax = records === undefined && globals.size === 0 ? NO_PAX : findPaxFields(records, globals);
  const sizeBytes = pax.size === undefined ? block.sizeBytes : parsePaxSize(pax.size);
  if (sizeBytes === undefined) return bad('has no valid PAX size');
  const path = parts.longPath || (pax.path ?? block.path);
  const type = typeOf(block.typeFlag, path, pax.sparse);
  const isLink = type === 'hardlink' || type === 'symlink';
  return {
    kind: 'entry',
    entry: {
      path,
      type,
      linkTarget: isLink ? parts.longLink || (pax.linkTarget ?? block.linkTarget) : '',
      sizeBytes: HEADER_ONLY.has(type) ? 0 : sizeBytes,
      headerOffset,
      headerBytes,
      contentOffset: headerOffset + headerBytes,
      mtime: pax.mtime ?? block.mtime,
      mode: block.mode,
      uid: pax.uid ?? block.uid,
      gid: pax.gid ?? block.gid,
      device: block.device,
      xattrs: records && findXattrs(records),
    },
  };
}

interface PaxFields {
  readonly path?: string | undefined;
  readonly linkTarget?: string | undefined;
  readonly size?: string | undefined;
  readonly mtime?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly sparse: boolean;
}

const NO_PAX: PaxFields = { sparse: false };

function findPaxFields(records: PaxRecords | undefined, globals: GlobalRecords): PaxFields {
  const find = (key: string): string | undefined => {
    const own = records?.get(key);
    return own === undefined ? globals.get(key) : own === '' ? undefined : own;
  };
  const mtime = find('mtime');
  const uid = find('uid');
  const gid = find('gid');
  return {
    path: find('GNU.sparse.name') ?? find('path'),
    linkTarget: find('linkpath'),
    size: find('size'),
    mtime: mtime === undefined ? undefined : parsePaxTime(mtime),
    uid: uid === undefined ? undefined : parsePaxSize(uid),
    gid: gid === undefined ? undefined : parsePaxSize(gid),
    sparse: find('GNU.sparse.major') !== undefined || find('GNU.sparse.size') !== undefined,
  };
}

const XATTR_PREFIX = 'SCHILY.xattr.';

/** In the form that container engines read and write (Go's archive/tar knows no other). */
function findXattrs(records: PaxRecords): ReadonlyMap<string, string> | undefined {
  let found: Map<string, string> | undefined;
  for (const [key, value] of records) {
    if (!key.startsWith(XATTR_PREFIX)) continue;
    found ??= new Map();
    found.set(key.slice(XATTR_PREFIX.length), value);
  }
  return found;
}

/** Types whose size field, if any, speaks of no stored content. */
const HEADER_ONLY: ReadonlySet<TarEntryType> = new Set<TarEntryType>([
  'hardlink',
  'symlink',
  'directory',
  'character-device',
  'block-device',
  'fifo',
]);

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  // Contiguous files differ from others only where disks had such.
  '7': 'file',
  S: 'sparse',
};

function typeOf(typeFlag: string, path: string, sparse: boolean): TarEntryType {
  // Before ustar a directory was a name with a slash behind.
  if (typeFlag === '\0' && path.endsWith('/')) return 'directory';
  const type = TYPES[typeFlag] ?? 'other';
  return type === 'file' && sparse ? 'sparse' : type;
}
