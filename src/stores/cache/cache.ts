/**
 * What was fetched or made for an image that is still on its way, so that a download goes on where it was. Files are
 * named by digests. Guards that nothing of them is handed out that doesn't have its digest: what a power cut left half
 * written is found out, and dropped.
 */
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { readPieces } from '../../bytes/access.ts';
import { type Digest, type RunningDigest, startDigest } from '../../bytes/digest.ts';
import { type FileAccess, openFile, syncDirectory } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import { proveDigest } from '../layer-content.ts';
import { takeLock } from './lock.ts';

/** A file that is not whole yet. What is in it so far stays when the process ends, however it ends. */
export interface GrowingFile {
  /** Has seen everything that is in the file; whoever appends keeps it so. */
  readonly digest: RunningDigest;
  /** Writes, without telling `digest`. */
  append(bytes: Uint8Array): void;
  /** Drops what is there, and starts with a new `digest`. */
  restart(): void;
  /** Makes it whole. The caller has compared the digest. */
  commit(): void;
  /** To be called when it isn't committed. */
  close(): void;
}

export interface Cache {
  readonly directory: string;
  /** Makes the directory, and keeps other processes out until `release`. Throws STORAGE when one is in it. */
  lock(): void;
  release(): void;
  /** Whether something is in it: an earlier run was stopped. */
  hasLeftovers(): boolean;
  /** A whole file, proved. The caller closes it. One that is damaged is removed. */
  find(name: string, digest: Digest, signal?: AbortSignal): Promise<FileAccess | undefined>;
  /** Bytes of a file that are here, whether it is whole or not. Not proved. */
  presentBytes(name: string): number;
  /** Names of the whole files. Not proved. */
  list(): readonly string[];
  /** Starts a file, or goes on with what there is of it. */
  grow(name: string): GrowingFile;
  remove(name: string): void;
  /** Removes the directory with all that is in it. */
  clear(): void;
}

const GROWING = '.part';
const NAME = /^[0-9a-f-]+$/;

/** Opens the cache in `directory`. Nothing is made before the first call that writes. */
export function openCache(directory: string): Cache {
  const proved = new Set<string>();
  let unlock: (() => void) | undefined;
  const pathOf = (name: string) => join(directory, name);
  const release = (): void => {
    unlock?.();
    unlock = undefined;
  };
  return {
    directory,
    lock() {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      unlock = takeLock(directory);
    },
    release,
    hasLeftovers: () => namesIn(directory).some((name) => NAME.test(name.replace(GROWING, ''))),
    async find(name, digest, signal) {
      if (sizeOf(pathOf(name)) === undefined) return undefined;
      const file = openFile(pathOf(name));
      if (proved.has(name)) return file;
      try {
        await proveDigest(file, digest, `the file ${name} of the cache`, signal);
        proved.add(name);
        return file;
      } catch (error) {
        file.close();
        if (!(error instanceof DidiffError) || error.code !== 'CORRUPT_INPUT') throw error;
        rmSync(pathOf(name), { force: true });
        return undefined;
      }
    },
    presentBytes: (name) => sizeOf(pathOf(name)) ?? sizeOf(pathOf(name + GROWING)) ?? 0,
    list: () => namesIn(directory).filter((name) => NAME.test(name)),
    grow(name) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      return growFile(pathOf(name), () => void proved.add(name));
    },
    remove(name) {
      rmSync(pathOf(name), { force: true });
      rmSync(pathOf(name + GROWING), { force: true });
    },
    clear() {
      release();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Removes what pulls that nobody ended left behind: caches in `parent` that weren't touched for so long. */
export function removeOldCaches(parent: string, maxAgeMs: number, nowMs: number): void {
  for (const name of namesIn(parent)) {
    const path = join(parent, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!NAME.test(name) || stat === undefined || nowMs - stat.mtimeMs < maxAgeMs) continue;
    rmSync(path, { recursive: true, force: true });
  }
}

function growFile(path: string, onWhole: () => void): GrowingFile {
  const growing = path + GROWING;
  let digest = startDigest();
  if (sizeOf(growing) !== undefined) readInto(digest, growing);
  // Written at the end of what was read, whatever else may have been added meanwhile.
  const fd = openSync(growing, sizeOf(growing) === undefined ? 'w+' : 'r+', 0o600);
  let sizeBytes = digest.sizeBytes;
  let isOpen = true;
  ftruncateSync(fd, sizeBytes);
  return {
    get digest() {
      return digest;
    },
    append(bytes) {
      for (let done = 0; done < bytes.length; )
        done += writeSync(fd, bytes, done, bytes.length - done, sizeBytes + done);
      sizeBytes += bytes.length;
    },
    restart() {
      ftruncateSync(fd, 0);
      sizeBytes = 0;
      digest = startDigest();
    },
    commit() {
      fsyncSync(fd);
      closeSync(fd);
      isOpen = false;
      moveInto(growing, path);
      syncDirectory(dirname(path));
      onWhole();
    },
    close() {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

/** Another process may have made the very same file meanwhile. */
function moveInto(growing: string, path: string): void {
  try {
    renameSync(growing, path);
  } catch (error) {
    if (sizeOf(path) === undefined) throw error;
  }
}

function readInto(digest: RunningDigest, path: string): void {
  const file = openFile(path);
  try {
    for (const piece of readPieces(file)) digest.update(piece);
  } finally {
    file.close();
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
