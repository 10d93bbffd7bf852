/** A registry on a free port of this machine, with its data in one directory; ended by its process id only. */
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 30_000;

export interface RunningRegistry {
  /** Host and port. */
  readonly address: string;
  stop(): Promise<void>;
}

export async function startRegistry(): Promise<RunningRegistry> {
  const directory = mkdtempSync(join(tmpdir(), 'didiff-registry-'));
  const address = `127.0.0.1:${await freePort()}`;
  const log = join(directory, 'log');
  const output = openSync(log, 'a');
  const config = join(directory, 'config.yml');
  writeFileSync(config, configOf(address, join(directory, 'data')));
  const command = ['--pdeathsig', 'TERM', '--', 'docker-registry', 'serve', config];
  const child = spawn('setpriv', command, { stdio: ['ignore', output, output] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  for (const until = Date.now() + START_MS; Date.now() < until && child.exitCode === null; await sleep(100)) {
    if (await isUp(address)) return { address, stop };
  }
  const words = readFileSync(log, 'utf8').slice(-2000);
  await stop();
  throw new Error(`docker-registry did not come up: ${words}`);
}

function configOf(address: string, data: string): string {
  return `version: 0.1
storage:
  filesystem: {rootdirectory: ${data}}
http: {addr: '${address}', secret: none}
`;
}

async function isUp(address: string): Promise<boolean> {
  try {
    return (await fetch(`http://${address}/v2/`)).ok;
  } catch {
    return false;
  }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}
