/**
 * Keeps two pulls of one image from fetching everything twice. Only that: what they would do to each other's files is
 * found out by digests. So a lock whose owner can't be asked after (another machine, another container) is taken over.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, processPlace } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';

const LOCK_NAME = 'lock';

/** Locks `directory`; gives what unlocks it. Throws STORAGE when another process of this machine has it. */
export function takeLock(directory: string): () => void {
  const path = join(directory, LOCK_NAME);
  const own = `${process.pid} ${processPlace()}\n`;
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(path, own, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readHolder(path);
    if (tries > 0 || isAlive(holder)) throw isTaken(directory, holder);
    rmSync(path, { force: true });
  }
  return () => {
    if (readHolder(path) === own) rmSync(path, { force: true });
  };
}

function readHolder(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** In a container that was started again, the dead owner's number may be this process's own. */
function isAlive(holder: string): boolean {
  const [pid, place] = holder.trim().split(' ');
  return place === processPlace() && Number(pid) !== process.pid && isRunning(Number(pid));
}

function isTaken(directory: string, holder: string): DidiffError {
  const [pid = 'unknown'] = holder.trim().split(' ');
  return new DidiffError('STORAGE', `process ${pid} is pulling this image already, in ${directory}`, {
    hint: 'Wait for it, or name another place with --cache-dir.',
  });
}
