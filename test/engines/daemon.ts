/**
 * Starts a daemon on a socket of its own and ends it again, by its process id only. All its data are in one new
 * directory, which is gone after `stop`, with whatever the daemon left mounted there.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineKind } from '../../src/stores/engine/kind.ts';

const START_MS = 60_000;
const STOP_MS = 20_000;
/** A call that waits for the process that waits for it would never end. */
const CALL_MS = 60_000;

export interface RunningEngine {
  /** As DOCKER_HOST takes it. */
  readonly host: string;
  readonly socket: string;
  readonly kind: EngineKind;
  /** Everything of this engine is in here. Tests may put their own files beside. */
  readonly directory: string;
  /** Runs the docker CLI against it and gives what it prints. */
  docker(...args: readonly string[]): string;
  /** The same with `input` on its standard input. */
  dockerWith(input: Uint8Array, ...args: readonly string[]): string;
  stop(): Promise<void>;
}

export interface DaemonSpec {
  readonly kind: EngineKind;
  /** The command, given the engine's directory; it must listen on `sock` in there. */
  readonly command: (directory: string) => readonly [string, ...string[]];
}

export async function startDaemon(spec: DaemonSpec): Promise<RunningEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'didiff-engine-'));
  const socket = join(directory, 'sock');
  const log = join(directory, 'log');
  const [program, ...args] = spec.command(directory);
  const output = openSync(log, 'a');
  // A group of its own, so that Ctrl-C on the tests leaves the order of the clean-up to us.
  // Should the tests be killed, the kernel asks the daemon to end.
  const command = ['--pdeathsig', 'TERM', '--', program, ...args];
  const child = spawn('setpriv', command, { stdio: ['ignore', output, output], detached: true });
  const stop = async (): Promise<void> => {
    await end(child);
    removeTree(directory);
  };
  try {
    await waitUntilUp(child, socket);
  } catch (error) {
    const tail = existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : '';
    await stop();
    throw new Error(`${program} did not come up: ${(error as Error).message}\n${tail}`);
  }
  const host = `unix://${socket}`;
  const dockerWith = (input: Uint8Array | undefined, args: readonly string[]): string =>
    execFileSync('docker', ['-H', host, ...args], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      timeout: CALL_MS,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(input === undefined ? {} : { input }),
    });
  return {
    host,
    socket,
    kind: spec.kind,
    directory,
    docker: (...words) => dockerWith(undefined, words),
    dockerWith: (input, ...words) => dockerWith(input, words),
    stop,
  };
}

async function waitUntilUp(child: ChildProcess, socket: string): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(100)) {
    if (failure !== undefined) throw failure;
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
    if (existsSync(socket) && (await answers(socket))) return;
  }
  throw new Error(`no answer after ${START_MS} ms`);
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ socketPath: socket, path: '/_ping' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once('error', () => resolve(false));
    call.end();
  });
}

/** Asks the daemon to end, as it then ends its own helpers; kills it only when it doesn't. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/** Removes a directory, first taking off what is still mounted in it. */
function removeTree(directory: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${directory}/`));
  for (const path of mounts.reverse()) execFileSync('umount', ['-l', path]);
  rmSync(directory, { recursive: true, force: true });
}
