/** Runs one whole process and says what it took: wall and processor time, and the most memory it held at once. */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

const TIME = '/usr/bin/time';

/**
 * Runs `command` (program and arguments) to its end. Throws with what it said when it fails.
 * @returns seconds of wall and processor (user and system) time, and the peak of resident bytes
 */
export async function measure(command) {
  const directory = mkdtempSync(join(tmpdir(), 'didiff-bench-'));
  try {
    const report = join(directory, 'time');
    const log = join(directory, 'log');
    const output = openSync(log, 'a');
    const child = spawn(TIME, ['-f', '%e %U %S %M', '-o', report, ...command], {
      stdio: ['ignore', output, output],
    });
    const [code, signal] = await new Promise((done, fail) => {
      child.once('error', fail);
      child.once('close', (...ended) => done(ended));
    });
    if (code !== 0)
      throw new Error(
        `${command.join(' ')} ended with ${code ?? signal}: ${readFileSync(log, 'utf8').slice(-2000)}`,
      );
    const [wall, user, system, kibibytes] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
    return { wallSeconds: wall, cpuSeconds: user + system, peakBytes: kibibytes * 1024 };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Whether `program` can be run by its name. */
export function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What it is measured on, in words. */
export function machine() {
  const memory = (totalmem() / 1e9).toFixed(0);
  return `${availableParallelism()} shared processor cores, ${memory} GB of memory, Node ${process.versions.node}`;
}
