/**
 * The one file of this layer that touches the disk: files read at random, temporary files that vanish with the
 * process, and files that appear only when whole (temporary name, fsync, rename).
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DidiffError } from '../errors.ts';
import { concatAccess, type FileRange, type RandomAccess } from './access.ts';
import { openTail } from './tail.ts';

/** A source with a file behind it. */
export interface FileAccess extends RandomAccess {
  close(): void;
}

export function openFile(path: string): FileAccess {
  const fd = openSync(path, 'r');
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw new DidiffError('STORAGE', `${path} is not a regular file`);
  }
  let open = true;
  return {
    sizeBytes: stat.size,
    ranges: () => [{ fd, start: 0, sizeBytes: stat.size }],
    readAt(position, into) {
      assertOpen(open, path);
      readFully(fd, position, into);
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** The bytes of files that another thread opened, and keeps open meanwhile. */
export function openRanges(ranges: readonly FileRange[]): RandomAccess {
  return concatAccess(
    ranges.map(({ fd, start, sizeBytes }) => ({
      sizeBytes,
      readAt: (position, into) => readFully(fd, start + position, into),
    })),
  );
}

/** The number of a closed file may be another file's by now: reading or writing on would touch that one. */
function assertOpen(open: boolean, path: string): void {
  if (!open) throw new DidiffError('INTERNAL', `${path} was used after it was closed`);
}

/** Fills `into`, or throws a RangeError: the file ends before (it was cut after it was opened). */
function readFully(fd: number, position: number, into: Uint8Array): void {
  let done = 0;
  while (done < into.length) {
    const count = readSync(fd, into, done, into.length - done, position + done);
    if (count === 0)
      throw new RangeError(`the file ends at ${position + done}; ${into.length - done} bytes are missing`);
    done += count;
  }
}

function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** A scratch file that is gone when closed or when the process ends, however it ends. Grows by `append`. */
export interface TempFile extends RandomAccess {
  append(bytes: Uint8Array): void;
  /** Drops everything from `sizeBytes` on. */
  truncate(sizeBytes: number): void;
  close(): void;
}

/** Opens a scratch file in `directory`. It has no name as soon as it is open, so no crash can leave it behind. */
export function openTempFile(directory: string): TempFile {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, temporaryName('.didiff-'));
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  // Windows can't remove an open file; there it is removed at close.
  const removed = tryRemove(path);
  const tail = openTail((bytes, position) => writeFully(fd, bytes, position));
  let open = true;
  return {
    get sizeBytes() {
      return tail.sizeBytes;
    },
    append(bytes) {
      assertOpen(open, path);
      tail.append(bytes);
    },
    truncate(size) {
      assertOpen(open, path);
      tail.cut(size);
      ftruncateSync(fd, size);
    },
    ranges() {
      tail.flush();
      return [{ fd, start: 0, sizeBytes: tail.sizeBytes }];
    },
    readAt(position, into) {
      assertOpen(open, path);
      const { sizeBytes } = tail;
      if (position < 0 || position + into.length > sizeBytes) {
        throw new RangeError(`read of ${into.length} bytes at ${position} is outside of ${sizeBytes} bytes`);
      }
      if (position + into.length > tail.flushedBytes) tail.flush();
      readFully(fd, position, into);
    },
    close() {
      if (!open) return;
      open = false;
      closeSync(fd);
      if (!removed) tryRemove(path);
    },
  };
}

function tryRemove(path: string): boolean {
  try {
    rmSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A file in the making. It stands at its path only after `commit`; before, and after `abort`, nothing is there. */
export interface PendingFile {
  readonly sizeBytes: number;
  append(bytes: Uint8Array): void;
  /** Reads back what was written, for proofs before the commit. */
  readonly written: RandomAccess;
  commit(): void;
  abort(): void;
}

/**
 * Starts `path` under a temporary name beside it. Temporary files that a killed process left for the same path
 * are removed first. Throws STORAGE where a directory stands, and the file system's errors.
 */
export function openPendingFile(path: string): PendingFile {
  const directory = dirname(path);
  const prefix = `.${basename(path)}.didiff-`;
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new DidiffError('STORAGE', `${path} is a directory; a file was expected`);
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) {
    throw new DidiffError(
      'NOT_FOUND',
      `there is no directory ${directory} in which ${path} could be written`,
      {
        hint: 'Make it first, or check the path.',
      },
    );
  }
  removeStale(directory, prefix);
  const temporary = join(directory, temporaryName(prefix));
  const fd = openSync(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o666);
  const writeBehind = startWriteBehind(temporary);
  let sizeBytes = 0;
  let open = true;
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    append(bytes) {
      assertOpen(open, path);
      writeFully(fd, bytes, sizeBytes);
      sizeBytes += bytes.length;
      writeBehind(bytes.length);
    },
    written: {
      get sizeBytes() {
        return sizeBytes;
      },
      ranges: () => [{ fd, start: 0, sizeBytes }],
      readAt(position, into) {
        assertOpen(open, path);
        readFully(fd, position, into);
      },
    },
    commit() {
      assertOpen(open, path);
      fsyncSync(fd);
      closeSync(fd);
      open = false;
      try {
        renameSync(temporary, path);
      } catch (error) {
        tryRemove(temporary);
        throw error;
      }
      syncDirectory(directory);
    },
    abort() {
      if (!open) return;
      open = false;
      closeSync(fd);
      tryRemove(temporary);
    },
  };
}

/** So much is written before the disk is told. */
const BEHIND_BYTES = 16 << 20;

/**
 * For a file that is synced at its end: what is written goes to the disk while the rest is made, so that the sync has
 * little left to wait for. What it answers is to be told of each write, in bytes. Failures are left to that sync.
 */
export function startWriteBehind(path: string): (writtenBytes: number) => void {
  let waiting = 0;
  let isBusy = false;
  return (writtenBytes) => {
    waiting += writtenBytes;
    if (isBusy || waiting < BEHIND_BYTES) return;
    waiting = 0;
    // A number of its own: the file's may be closed by the time this is done.
    const fd = tryOpen(path);
    if (fd === undefined) return;
    isBusy = true;
    fdatasync(fd, () => {
      closeSync(fd);
      isBusy = false;
    });
  };
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

/** Makes a rename durable (POSIX asks for the directory to be synced); where directories can't be, does nothing. */
export function syncDirectory(directory: string): void {
  let fd: number;
  try {
    fd = openSync(directory, 'r');
  } catch {
    return;
  }
  try {
    fsyncSync(fd);
  } catch {
    // Not every file system syncs directories; the rename itself is done.
  } finally {
    closeSync(fd);
  }
}

/**
 * A name that tells who has it: `prefix<pid>-<place>-<start>-….tmp`. A directory may be shared by containers or machines,
 * where the same process ID is another process, so `place` says where the ID means something, and `start` which process of
 * that ID it is.
 */
export function temporaryName(prefix: string): string {
  const start = startOf(process.pid) ?? 0;
  return `${prefix}${process.pid}-${processPlace()}-${start}-${randomBytes(4).toString('hex')}.tmp`;
}

/** Where process IDs mean the same processes as here: this boot of this machine, and its container if it is in one. */
export function processPlace(): string {
  const parts = [hostname()];
  try {
    parts.push(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'), readlinkSync('/proc/self/ns/pid'));
  } catch {
    // Not Linux: then the machine's name has to do.
  }
  return createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 12);
}

/** When a process began, in the kernel's ticks; undefined where that can't be read. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}

/** What a process elsewhere left is taken for abandoned after so long without a change. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** Removes the entries named by `temporaryName(prefix)` whose process is gone; of others, those that are long untouched. */
export function removeStale(directory: string, prefix: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    const found = /^(\d+)-(?:([0-9a-f]{12})-(\d+)-)?[0-9a-f]+\.tmp$/.exec(name.slice(prefix.length));
    if (found === null) continue;
    const [, pid, place, start] = found;
    const path = join(directory, name);
    const isGone = place === processPlace() ? !isSameProcess(Number(pid), Number(start)) : isAbandoned(path);
    if (isGone) rmSync(path, { recursive: true, force: true });
  }
}

function isSameProcess(pid: number, start: number): boolean {
  const found = startOf(pid);
  return isRunning(pid) && (start === 0 || found === undefined || found === start);
}

function isAbandoned(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  const inside = stat.isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [];
  const times = [path, ...inside].map((each) => statSync(each, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Date.now() - Math.max(...times) > ABANDONED_MS;
}

/** Whether a process of this ID is there (any process, if the ID was given out again). */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Where scratch files go when the caller names no place: TMPDIR, else the system's. */
export function defaultTempDirectory(): string {
  return tmpdir();
}

/** Processors that this process may use. */
export function processorCount(): number {
  return availableParallelism();
}

/** Bytes free for this user on the file system of `directory`; undefined where that can't be asked. */
export function freeDiskBytes(directory: string): number | undefined {
  try {
    const stat = statfsSync(directory);
    return stat.bavail * stat.bsize;
  } catch {
    return undefined;
  }
}

/** The bytes of a file from its beginning. Throws NOT_FOUND naming the path, or the file system's error. */
export async function* createFileStream(path: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: 1 << 16 });
  try {
    for await (const piece of stream) yield piece as Uint8Array;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT')
      throw new DidiffError('NOT_FOUND', `there is no file ${path}`, { hint: 'Check the path.', cause });
    if (code === 'EISDIR')
      throw new DidiffError('STORAGE', `${path} is a directory; a file was expected`, { cause });
    throw cause;
  } finally {
    stream.destroy();
  }
}

/** What comes in on standard input. */
export async function* standardInput(): AsyncGenerator<Uint8Array> {
  for await (const piece of process.stdin) yield piece as Uint8Array;
}
