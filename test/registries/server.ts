/** Starts a real registry (docker-registry of Debian) on this machine and ends it again, by its process id only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 30_000;

export interface RegistrySpec {
  /** PEM files; absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The `auth` part of its configuration. */
  readonly auth?: object;
}

export interface RunningRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly port: number;
  /** What it has written to its log so far. */
  log(): string;
  stop(): Promise<void>;
}

export async function startRegistry(spec: RegistrySpec = {}): Promise<RunningRegistry> {
  const directory = mkdtempSync(join(tmpdir(), 'didiff-registry-'));
  const port = await freePort();
  const config = join(directory, 'config.yml');
  const log = join(directory, 'log');
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
      http: {
        addr: `127.0.0.1:${port}`,
        secret: 'not-a-secret',
        ...(spec.tls === undefined ? {} : { tls: { certificate: spec.tls.cert, key: spec.tls.key } }),
      },
      ...(spec.auth === undefined ? {} : { auth: spec.auth }),
    }),
  );
  const output = openSync(log, 'a');
  // Should the tests be killed, the kernel asks the registry to end.
  const command = ['--pdeathsig', 'TERM', '--', 'docker-registry', 'serve', config];
  const child = spawn('setpriv', command, { stdio: ['ignore', output, output] });
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(directory, { recursive: true, force: true });
  };
  const readLog = (): string => readFileSync(log, 'utf8');
  try {
    await waitUntilUp(child, port);
  } catch (error) {
    const tail = readLog().slice(-2000);
    await stop();
    throw new Error(`docker-registry did not come up: ${(error as Error).message}\n${tail}`);
  }
  return { host: `127.0.0.1:${port}`, port, log: readLog, stop };
}

/** A port that nobody listens on, by having listened there. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function waitUntilUp(child: ChildProcess, port: number): Promise<void> {
  const { connect } = await import('node:net');
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
    if (await answers()) return;
  }
  throw new Error(`no answer after ${START_MS} ms`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await ended;
}
