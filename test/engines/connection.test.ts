/** Every way to an engine, with a real one at the other end, and every way it can fail. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EngineOptions, openEngine } from '../../src/stores/engine/kind.ts';
import { openEngineImage } from '../../src/stores/engine/read.ts';
import { openEngineSink } from '../../src/stores/engine/write.ts';
import { buildImage } from '../fixtures/images.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import type { RunningEngine } from './daemon.ts';
import { missingParts, startClassic } from './engines.ts';
import { seedImage } from './images.ts';
import { digestOf, failureOf } from './reading.ts';
import { write } from './writing.ts';

const missing = missingParts('docker-classic');
const IMAGE = buildImage({ seed: 900, layers: [{ files: 30, fileBytes: 40_000 }, {}] });

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Reads and writes an image over the connection. */
async function exchange(options: EngineOptions, directory: string, seed: number): Promise<void> {
  const engine = await openEngine(options);
  const store = { tempDirectory: directory };
  const image = await openEngineImage(engine, 'connected:1', store);
  const tars = await image.openTars([0, 1], store);
  expect(tars.map(({ content }) => digestOf(content))).toEqual(image.diffIds);
  await image.close();
  const written = buildImage({ seed, layers: [{ files: 20, fileBytes: 40_000 }] });
  const { published } = await write(openEngineSink(engine, store), written, [`written:${seed}`]);
  expect(published.id).toBe(written.config.digest);
  engine.close();
}

if (missing !== undefined && process.env['CI']) {
  test('the engine can be started', () => {
    throw new Error(missing);
  });
}

const suite = missing === undefined ? 'connections' : `connections (${missing})`;
describe.skipIf(missing !== undefined)(suite, () => {
  let engine: RunningEngine;
  let certificates: Certificates;
  let directory: string;
  let port: number;
  /** Without the contexts and variables of whoever runs the tests. */
  const bare = (env: NodeJS.ProcessEnv = {}): EngineOptions => ({
    env: { PATH: process.env['PATH'], DOCKER_CONFIG: directory, ...env },
  });
  const overTls = (certPath: string): EngineOptions =>
    bare({ DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certPath });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'didiff-connection-'));
    certificates = makeCertificates(directory);
    port = await freePort();
    const { server } = certificates;
    const pem = (name: string): string => join(server, `${name}.pem`);
    const tls = ['--tlscacert', pem('ca'), '--tlscert', pem('cert'), '--tlskey', pem('key')];
    engine = await startClassic(['-H', `tcp://127.0.0.1:${port}`, '--tlsverify', ...tls]);
    seedImage(engine, IMAGE, 'connected:1');
  });
  afterAll(async () => {
    await engine?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('a unix socket', () => exchange(bare({ DOCKER_HOST: engine.host }), directory, 910));

  test('TCP with TLS on both sides', () => exchange(overTls(certificates.client), directory, 920));

  test('a context as `docker context create` makes it', async () => {
    const { client } = certificates;
    const pem = ['ca', 'cert', 'key'].map((name) => `${name}=${client}/${name}.pem`);
    const endpoint = ['--docker', [`host=tcp://127.0.0.1:${port}`, ...pem].join()];
    const env = { PATH: process.env['PATH'], DOCKER_CONFIG: directory };
    execFileSync('docker', ['context', 'create', 'fleet-of.ships', ...endpoint], { env, stdio: 'pipe' });
    execFileSync('docker', ['context', 'use', 'fleet-of.ships'], { env, stdio: 'pipe' });
    await exchange(bare(), directory, 940);
    execFileSync('docker', ['context', 'use', 'default'], { env, stdio: 'pipe' });
  });

  describe('over TLS', () => {
    test('a client without a certificate is told so', async () => {
      const error = await failureOf(openEngine(overTls(certificates.anonymous)));
      expect(error.code).toBe('UNREACHABLE');
      expect(error.message).toContain('TLS failed');
      expect(error.hint).toContain('cert.pem');
    });

    test('an engine that is not the authority’s is not believed', async () => {
      const error = await failureOf(openEngine(overTls(certificates.stranger)));
      expect(error).toMatchObject({ code: 'UNREACHABLE' });
      expect(error.message).toContain('TLS failed');
      expect(error.hint).toContain('ca.pem');
    });

    test('an engine of another name is not believed', async () => {
      const options = overTls(certificates.client);
      const env = { ...options.env, DOCKER_HOST: `tcp://localhost:${port}` };
      expect((await failureOf(openEngine({ ...options, env }))).message).toContain('TLS failed');
    });

    test('without TLS the hint says what is missing', async () => {
      const error = await failureOf(openEngine(bare({ DOCKER_HOST: `tcp://127.0.0.1:${port}` })));
      expect(error.code).toBe('UNREACHABLE');
      expect(error.hint).toContain('DOCKER_TLS_VERIFY');
    });
  });

  describe('over ssh', () => {
    // Only sshd is absent: the `ssh` on PATH starts the real `docker system dial-stdio`, as sshd would on the other
    // machine, and leaves a note of how it was called.
    const withSsh = (script: string): NodeJS.ProcessEnv => {
      const bin = mkdtempSync(join(directory, 'bin-'));
      writeFileSync(join(bin, 'ssh'), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, 'ssh'), 0o755);
      return { DOCKER_HOST: 'ssh://ops@ship:2222', PATH: `${bin}:${process.env['PATH']}` };
    };

    test('images go both ways', async () => {
      const dial = `[ "$*" = "-l ops -p 2222 -o ConnectTimeout=30 -T -- ship docker system dial-stdio" ] || exit 9
exec docker -H ${engine.host} system dial-stdio`;
      await exchange(bare(withSsh(dial)), directory, 930);
    });

    test('what ssh says is passed on', async () => {
      const env = withSsh('echo "ops@ship: Permission denied (publickey)." >&2; exit 255');
      const error = await failureOf(openEngine(bare(env)));
      expect(error.code).toBe('UNREACHABLE');
      expect(error.message).toContain('ssh://ops@ship:2222');
      expect(error.message).toContain('Permission denied (publickey)');
    });

    test('an ssh that ends without a word is an error too', async () => {
      expect((await failureOf(openEngine(bare(withSsh('exit 0'))))).code).toBe('UNREACHABLE');
    });

    test('without ssh on the PATH the error says so', async () => {
      const env = { DOCKER_HOST: 'ssh://ship', PATH: directory };
      expect((await failureOf(openEngine(bare(env)))).message).toContain('ssh can not be started');
    });
  });

  test('a socket that is not there, and one on which nobody listens', async () => {
    const gone = await failureOf(openEngine(bare({ DOCKER_HOST: `unix://${directory}/none` })));
    expect(gone.code).toBe('UNREACHABLE');
    expect(gone.message).toContain('no such socket');
    expect(gone.hint).toContain('DOCKER_HOST');
    const closed = await failureOf(openEngine(bare({ DOCKER_HOST: `tcp://127.0.0.1:${await freePort()}` })));
    expect(closed).toMatchObject({ code: 'UNREACHABLE' });
    expect(closed.message).toContain('nothing listens');
  });

  test('a host that is unknown', async () => {
    const error = await failureOf(openEngine(bare({ DOCKER_HOST: 'tcp://ship.invalid:2375' })));
    expect(error.code).toBe('UNREACHABLE');
    expect(error.message).toContain('tcp://ship.invalid:2375');
    expect(error.message).toMatch(/host name is unknown|no answer/);
  });

  test('a socket that this user may not use leads to the docker group', async () => {
    const place = join(directory, 'place');
    mkdirSync(place, { mode: 0o755 });
    chmodSync(directory, 0o755);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(place, 'sock'), resolve));
    chmodSync(join(place, 'sock'), 0o600);
    // Root may use every socket; nobody may not.
    process.seteuid!(65534);
    try {
      const error = await failureOf(openEngine(bare({ DOCKER_HOST: `unix://${place}/sock` })));
      expect(error.code).toBe('UNREACHABLE');
      expect(error.message).toContain('permission denied');
      expect(error.hint).toContain('docker group');
    } finally {
      process.seteuid!(0);
      server.close();
    }
  });

  test('a signal that is aborted already, or while waiting, ends the call with its reason', async () => {
    const silent = createTcpServer(() => {});
    const host = `tcp://127.0.0.1:${await listen(silent)}`;
    const controller = new AbortController();
    const waiting = openEngine({ ...bare({ DOCKER_HOST: host }), signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    const aborted = openEngine({ ...bare({ DOCKER_HOST: host }), signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
    silent.close();
  });
});

describe('what only looks like an engine', () => {
  const serve = async (answer: RequestListener): Promise<{ host: string; stop: () => void }> => {
    const server = createServer(answer);
    return { host: `http://127.0.0.1:${await listen(server)}`, stop: () => server.close() };
  };
  const failureWith = async (answer: RequestListener) => {
    const { host, stop } = await serve(answer);
    const error = await failureOf(openEngine({ host, env: {} }));
    stop();
    return error;
  };

  test('a proxy that forbids the call', async () => {
    for (const status of [401, 403]) {
      const error = await failureWith((_, response) =>
        response.writeHead(status).end('{"message":"not for you"}'),
      );
      expect(error.code).toBe('UNAUTHORISED');
      expect(error.message).toContain('not for you');
    }
  });

  test('a web server', async () => {
    const html = await failureWith((_, response) => response.end('<html>hello</html>'));
    expect(html.code).toBe('UNREACHABLE');
    const json = await failureWith((_, response) => response.end('{"hello":1}'));
    expect(json.message).toContain('no container engine');
    const moved = await failureWith((_, response) => response.writeHead(301, { location: '/x' }).end());
    expect(moved.message).toContain('301');
  });

  test('an engine from before what is needed', async () => {
    const error = await failureWith((_, response) => response.end('{"ApiVersion":"1.18","Version":"1.6"}'));
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message).toContain('1.18');
  });

  test('an answer without end is not read to its end', async () => {
    const error = await failureWith((_, response) => {
      const piece = Buffer.alloc(1 << 20, 0x20);
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once('drain', more);
      };
      response.on('error', () => {});
      more();
    });
    expect(error.code).toBe('LIMIT');
  });

  test('a server that hangs up, or speaks another language', async () => {
    expect((await failureWith((request) => request.socket.destroy())).code).toBe('UNREACHABLE');
    const half = await failureWith((request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"Api');
      setTimeout(() => request.socket.destroy(), 20);
    });
    expect(half.code).toBe('UNREACHABLE');
    const server = createTcpServer((socket) => socket.end('220 mail ready\r\n'));
    const host = `http://127.0.0.1:${await listen(server)}`;
    expect((await failureOf(openEngine({ host, env: {} }))).message).toContain('does not speak HTTP');
    server.close();
  });

  test('credentials go out as basic authentication, and into no message', async () => {
    let heard: string | undefined;
    const { host, stop } = await serve((request, response) => {
      heard = request.headers.authorization;
      response.writeHead(401).end();
    });
    const error = await failureOf(openEngine({ host: host.replace('//', '//ops:s3cret@'), env: {} }));
    stop();
    expect(heard).toBe(`Basic ${Buffer.from('ops:s3cret').toString('base64')}`);
    expect(JSON.stringify([error.message, error.hint, error.data])).not.toContain('s3cret');
  });
});
