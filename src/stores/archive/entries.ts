/**
 * An archive as files by name: what is found at a name, through links. Guards that no name leads outside, that link
 * loops end, and that an archive that was cut short is never taken for a whole one.
 */
import { type RandomAccess, readRange, sliceAccess } from '../../bytes/access.ts';
import { corrupt } from '../../errors.ts';
import { textOfName } from '../../tar/name.ts';
import { walkTar } from '../../tar/walk.ts';

/** A file of an archive, with its content at `offset` of some source: the archive, or a scratch file. */
export interface ArchiveEntry {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  readonly offset: number;
  readonly sizeBytes: number;
  /** Empty where there is none. */
  readonly linkTarget: string;
}

/** Entries in the order of the archive, and the source that has their contents. */
export interface ArchiveContent {
  /** For messages. */
  readonly name: string;
  readonly entries: readonly ArchiveEntry[];
  readonly access: RandomAccess;
}

/** Archives of images have some files per layer; millions are somebody's attempt to fill the memory. */
const MAX_ENTRIES = 100_000;
const MAX_LINK_HOPS = 8;

/** Lists the files of a tar without reading their contents. Throws CORRUPT_INPUT, also when its end is missing. */
export function listTar(access: RandomAccess, what: string): readonly ArchiveEntry[] {
  const entries: ArchiveEntry[] = [];
  let ended = false;
  for (const segment of walkTar(access)) {
    if (segment.kind === 'end') ended = true;
    if (segment.kind === 'unknown' && !ended) {
      throw corrupt(`${what} is no whole tar archive: the header at ${segment.offset} ${segment.reason}`);
    }
    if (segment.kind !== 'header') continue;
    if (entries.length === MAX_ENTRIES) throw corrupt(`${what} has more than ${MAX_ENTRIES} entries`);
    const { path, type, linkTarget, contentOffset, sizeBytes } = segment.entry;
    entries.push({
      name: textOfName(path),
      type:
        type === 'file' || type === 'directory' || type === 'symlink' || type === 'hardlink' ? type : 'other',
      offset: contentOffset,
      sizeBytes,
      linkTarget: textOfName(linkTarget),
    });
  }
  if (ended) return entries;
  throw corrupt(
    `${what} is cut short: it stops at ${access.sizeBytes} bytes, before the end of the archive`,
    {
      hint: 'Save or fetch it again.',
    },
  );
}

/** Files by their plain names. Of several entries with one name the last counts, as when `docker load` unpacks it. */
export type EntryIndex = ReadonlyMap<string, ArchiveEntry>;

export function indexEntries(entries: readonly ArchiveEntry[]): EntryIndex {
  const index = new Map<string, ArchiveEntry>();
  for (const entry of entries) {
    const name = plainName(entry.name);
    if (name !== undefined && entry.type !== 'directory') index.set(name, entry);
  }
  return index;
}

/** The regular file at `name`, through symbolic and hard links; undefined when nothing in the archive is there. */
export function findEntry(index: EntryIndex, name: string): ArchiveEntry | undefined {
  let at = plainName(name);
  for (let hops = 0; at !== undefined && hops <= MAX_LINK_HOPS; hops++) {
    const entry = index.get(at);
    if (entry === undefined || entry.type === 'file') return entry;
    if (entry.type === 'symlink') at = plainName(symlinkTarget(at, entry.linkTarget));
    else if (entry.type === 'hardlink') at = plainName(entry.linkTarget);
    else return undefined;
  }
  return undefined;
}

/** The content of `entry` as a source of its own. */
export function openEntry(content: ArchiveContent, entry: ArchiveEntry): RandomAccess {
  if (entry.offset + entry.sizeBytes > content.access.sizeBytes) {
    throw corrupt(`${content.name} is cut short inside of ${entry.name}`);
  }
  return sliceAccess(content.access, entry.offset, entry.sizeBytes);
}

/** A small file's bytes; `limitBytes` as for its kind of document. */
export function readEntry(content: ArchiveContent, entry: ArchiveEntry, limitBytes: number): Uint8Array {
  return readRange(openEntry(content, entry), 0, entry.sizeBytes, limitBytes);
}

/** `a/./b/../c/` becomes `a/c`. Undefined for the root and for names that lead outside of it. */
function plainName(name: string): string | undefined {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.length === 0 ? undefined : parts.join('/');
}

/** A relative target starts at the link's own folder, an absolute one at the root of the archive. */
function symlinkTarget(name: string, target: string): string {
  return target.startsWith('/') ? target : `${name.slice(0, name.lastIndexOf('/') + 1)}${target}`;
}
