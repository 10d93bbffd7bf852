/**
 * Keeps writers of one OCI layout apart while they change its index.json, which takes milliseconds. A lock whose
 * owner was killed is taken over; one that can't be asked after (another machine, another container) when it hasn't
 * changed for a while by this process's own clock.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, processPlace, temporaryName } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';

export const LOCK_NAME = '.didiff-lock';
const POLL_MS = 20;
/** Many times as long as anyone holds it. */
const STALE_MS = 15_000;
const GIVE_UP_MS = 120_000;

/** Runs `work` while this process alone holds the lock of `directory`. Throws STORAGE when it can't be had. */
export async function withLock<T>(
  directory: string,
  work: () => T,
  signal?: AbortSignal,
  staleMs = STALE_MS,
): Promise<T> {
  const path = join(directory, LOCK_NAME);
  const token = `${process.pid} ${processPlace()} ${randomBytes(8).toString('hex')}\n`;
  await acquire(path, token, signal, staleMs);
  try {
    signal?.throwIfAborted();
    return work();
  } finally {
    if (readLock(path) === token) rmSync(path, { force: true });
  }
}

async function acquire(
  path: string,
  token: string,
  signal: AbortSignal | undefined,
  staleMs: number,
): Promise<void> {
  const start = performance.now();
  let seen: string | undefined;
  let seenSince = start;
  while (!tryCreate(path, token)) {
    const now = performance.now();
    const holder = readLock(path);
    if (holder !== seen) {
      seen = holder;
      seenSince = now;
    }
    if (holder !== undefined && (isDead(holder) || now - seenSince > staleMs)) takeAway(path, holder);
    else if (now - start > GIVE_UP_MS) throw cannotLock(path, holder);
    else await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** Links a finished file into place: the lock is never there without its owner's name in it. */
function tryCreate(path: string, token: string): boolean {
  const temporary = asideOf(path);
  writeFileSync(temporary, token, { flag: 'wx' });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // File systems without hard links (exFAT): created in place instead.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') return tryWrite(path, token);
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function tryWrite(path: string, token: string): boolean {
  try {
    writeFileSync(path, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A name that the cleaning of staging folders knows, should this process be killed just now. */
function asideOf(path: string): string {
  return join(dirname(path), temporaryName('.didiff-'));
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isDead(holder: string): boolean {
  const [pid, place] = holder.trim().split(' ');
  return place === processPlace() && /^\d+$/.test(pid ?? '') && !isRunning(Number(pid));
}

/** Moves the dead lock aside. Another waiter may have been faster: what was moved is then put back. */
function takeAway(path: string, holder: string): void {
  const aside = asideOf(path);
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readLock(aside) !== holder) {
    try {
      linkSync(aside, path);
    } catch {
      // Someone has locked in the meantime; the one moved aside finds its lock gone and only leaves it alone.
    }
  }
  rmSync(aside, { force: true });
}

function cannotLock(path: string, holder: string | undefined): DidiffError {
  return new DidiffError(
    'STORAGE',
    `the layout is locked by another process (${(holder ?? 'unknown').trim()}) for more than ${GIVE_UP_MS / 1000} s`,
    { hint: `If no other didiff is running, remove ${path}.` },
  );
}
