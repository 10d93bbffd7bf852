/**
 * Blobs on their way into an OCI layout. They are written whole to a folder inside of it and renamed into
 * `blobs/sha256`, so that a blob at its place is always complete; a folder that a killed process left is removed by
 * the next.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Digest, digestHex } from '../../bytes/digest.ts';
import { removeStale, startWriteBehind, syncDirectory, temporaryName } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import { assertComplete } from '../archive/tar-file.ts';
import { statIfThere } from '../input-file.ts';

const PREFIX = '.didiff-';

export interface Staging {
  /** Writes a blob. Throws INTERNAL when `pieces` are not `sizeBytes` bytes; nothing of it is kept then. */
  put(
    digest: Digest,
    sizeBytes: number,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Moves every blob to its place, for good. */
  publish(): void;
  /** Removes what isn't published, and the folders that `openStaging` made, unless something is in them now. */
  remove(): void;
}

/** Starts a staging folder inside of `directory`, which is made when it isn't there. Throws USAGE, STORAGE. */
export function openStaging(directory: string): Staging {
  const made = makeDirectories(directory);
  removeStale(directory, PREFIX);
  const folder = join(directory, temporaryName(PREFIX));
  mkdirSync(folder);
  return {
    async put(digest, sizeBytes, pieces, signal) {
      const path = join(folder, digestHex(digest));
      try {
        await writeDurably(path, sizeBytes, pieces, signal);
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      }
    },
    publish() {
      const blobs = join(directory, 'blobs', 'sha256');
      mkdirSync(blobs, { recursive: true });
      for (const name of readdirSync(folder)) renameSync(join(folder, name), join(blobs, name));
      syncDirectory(blobs);
      syncDirectory(dirname(blobs));
    },
    remove() {
      rmSync(folder, { recursive: true, force: true });
      for (const path of made.toReversed()) removeIfEmpty(path);
    },
  };
}

/** Whether a folder may become a layout: it isn't there, is empty, or holds what an unfinished first write left. */
export function assertUsable(directory: string): void {
  const stat = statIfThere(directory);
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    throw new DidiffError('USAGE', `${directory} is a file; an OCI layout is a directory`, {
      hint: 'Name another path, or write an archive with oci-archive:FILE.',
    });
  }
  const names = readdirSync(directory).filter((name) => !name.includes(PREFIX));
  if (names.length === 0 || names.includes('oci-layout')) return;
  if (names.every((name) => name === 'blobs' || name === 'index.json')) return;
  throw new DidiffError('USAGE', `${directory} is not empty and not an OCI layout`, {
    hint: 'Name a new or an empty directory, or an existing OCI layout.',
  });
}

/** The deepest folder on the way to `directory` that is there. */
export function existingAncestor(directory: string): string {
  let at = resolve(directory);
  while (statIfThere(at) === undefined && dirname(at) !== at) at = dirname(at);
  return at;
}

/** Makes the folder with its parents; returns those that weren't there, outermost first. */
function makeDirectories(directory: string): readonly string[] {
  const made: string[] = [];
  for (let at = resolve(directory); statIfThere(at) === undefined && dirname(at) !== at; at = dirname(at)) {
    made.unshift(at);
  }
  mkdirSync(directory, { recursive: true });
  return made;
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Another writer has put something there.
  }
}

async function writeDurably(
  path: string,
  sizeBytes: number,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fd = openSync(path, 'wx', 0o644);
  const writeBehind = startWriteBehind(path);
  try {
    let left = sizeBytes;
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      left -= piece.length;
      if (left < 0) break;
      for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done);
      writeBehind(piece.length);
    }
    assertComplete(path, sizeBytes, left);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
