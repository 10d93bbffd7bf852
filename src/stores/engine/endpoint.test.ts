import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DidiffError } from '../../errors.ts';
import { chooseEndpoint } from './endpoint.ts';
import { sshArguments } from './ssh.ts';

let home: string;
const choose = (env: NodeJS.ProcessEnv = {}, host?: string) =>
  chooseEndpoint({ host, env, homeDirectory: home });
const failureOf = (work: () => unknown): DidiffError => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(DidiffError);
    return error as DidiffError;
  }
  throw new Error('it did not fail');
};

function writeContext(name: string, meta: unknown, tls: Readonly<Record<string, string>> = {}): void {
  const id = createHash('sha256').update(name).digest('hex');
  const metaDirectory = join(home, '.docker/contexts/meta', id);
  const tlsDirectory = join(home, '.docker/contexts/tls', id, 'docker');
  for (const directory of [metaDirectory, tlsDirectory]) mkdirSync(directory, { recursive: true });
  writeFileSync(join(metaDirectory, 'meta.json'), typeof meta === 'string' ? meta : JSON.stringify(meta));
  for (const [file, text] of Object.entries(tls)) writeFileSync(join(tlsDirectory, file), text);
}

const contextOf = (Host: string, more: object = {}) => ({
  Name: 'x',
  Endpoints: { docker: { Host, ...more } },
});

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'didiff-home-'));
  writeContext('fleet', contextOf('ssh://ops@ship-7:2222'));
  writeContext('secure', contextOf('tcp://engine:2376'), {
    'ca.pem': 'CA',
    'cert.pem': 'CERT',
    'key.pem': 'KEY',
  });
  writeContext('careless', contextOf('tcp://engine:2376', { SkipTLSVerify: true }));
  writeContext('plain', contextOf('tcp://engine:2375'));
  writeContext('hostless', contextOf(''));
  writeContext('broken', '{"Endpoints"');
  for (const hostile of [null, [], 'x', { Endpoints: null }, { Endpoints: { docker: 'x' } }]) {
    writeContext(`hostile ${JSON.stringify(hostile)}`, hostile as object);
  }
});
afterAll(() => rmSync(home, { recursive: true }));

describe('which engine is chosen', () => {
  test('the local socket, when nothing says otherwise', () => {
    expect(choose()).toEqual({
      transport: { kind: 'unix', path: '/var/run/docker.sock' },
      address: 'unix:///var/run/docker.sock',
      chosenBy: 'default',
    });
  });

  test('an explicit host goes before DOCKER_HOST, that before DOCKER_CONTEXT, that before config.json', () => {
    const all = { DOCKER_HOST: 'tcp://one:1', DOCKER_CONTEXT: 'fleet' };
    expect(choose(all, 'unix:///here').address).toBe('unix:///here');
    expect(choose(all)).toMatchObject({ address: 'tcp://one:1', chosenBy: 'DOCKER_HOST' });
    writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ currentContext: 'plain' }));
    expect(choose({ DOCKER_CONTEXT: 'fleet' })).toMatchObject({ chosenBy: 'context fleet' });
    expect(choose()).toMatchObject({ address: 'tcp://engine:2375', chosenBy: 'context plain' });
    expect(choose({ DOCKER_CONTEXT: 'default' }).chosenBy).toBe('default');
    rmSync(join(home, '.docker/config.json'));
  });

  test('empty variables count as unset, as for docker', () => {
    expect(choose({ DOCKER_HOST: '', DOCKER_CONTEXT: '', DOCKER_CONFIG: '' }, '').chosenBy).toBe('default');
  });

  test('DOCKER_CONFIG says where the contexts are', () => {
    const env = { DOCKER_CONFIG: join(home, '.docker'), DOCKER_CONTEXT: 'plain' };
    expect(chooseEndpoint({ env, homeDirectory: '/nonexistent' }).address).toBe('tcp://engine:2375');
    expect(failureOf(() => choose({ ...env, DOCKER_CONFIG: '/nonexistent' })).code).toBe('NOT_FOUND');
  });

  test('a context that is unknown, without a host or damaged is an error', () => {
    expect(failureOf(() => choose({ DOCKER_CONTEXT: 'nope' }))).toMatchObject({ code: 'NOT_FOUND' });
    expect(failureOf(() => choose({ DOCKER_CONTEXT: 'nope' })).hint).toContain('docker context ls');
    expect(failureOf(() => choose({ DOCKER_CONTEXT: '../../x' })).code).toBe('NOT_FOUND');
    expect(failureOf(() => choose({ DOCKER_CONTEXT: 'hostless' })).code).toBe('CORRUPT_INPUT');
    expect(failureOf(() => choose({ DOCKER_CONTEXT: 'broken' })).code).toBe('CORRUPT_INPUT');
    for (const hostile of ['null', '[]', '"x"', '{"Endpoints":null}', '{"Endpoints":{"docker":"x"}}']) {
      expect(failureOf(() => choose({ DOCKER_CONTEXT: `hostile ${hostile}` })).code, hostile).toBe(
        'CORRUPT_INPUT',
      );
    }
  });
});

describe('addresses', () => {
  const transportOf = (host: string, env: NodeJS.ProcessEnv = {}) => choose(env, host).transport;

  test('every scheme that docker knows is understood', () => {
    expect(transportOf('unix:///run/user/1000/podman/podman.sock')).toEqual({
      kind: 'unix',
      path: '/run/user/1000/podman/podman.sock',
    });
    expect(transportOf('tcp://ship')).toMatchObject({ hostname: 'ship', port: 2375, basePath: '' });
    expect(transportOf('tcp://:4000')).toMatchObject({ hostname: '127.0.0.1', port: 4000 });
    expect(transportOf('tcp://[::1]:4000/engine/')).toMatchObject({
      hostname: '::1',
      port: 4000,
      basePath: '/engine',
    });
    expect(transportOf('http://ship:80')).toMatchObject({ hostname: 'ship', port: 80 });
    expect(transportOf('https://ship:443')).toMatchObject({ port: 443, tls: { verify: true } });
    expect(transportOf('ssh://ops@ship:2222')).toEqual({
      kind: 'ssh',
      hostname: 'ship',
      user: 'ops',
      port: 2222,
    });
    expect(transportOf('ssh://ship/run/d.sock')).toEqual({
      kind: 'ssh',
      hostname: 'ship',
      remoteSocket: '/run/d.sock',
    });
  });

  test('named pipes are refused with what to do instead', () => {
    const error = failureOf(() => transportOf('npipe:////./pipe/docker_engine'));
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.hint).toContain('DOCKER_HOST');
  });

  test('what can not be read is refused', () => {
    const wrong = [
      'ship',
      'ship:2375',
      'unix://run/x',
      'tcp://',
      'tcp://a:b',
      'tcp://a?x=1',
      'ftp://x',
      'tcp://a:99999',
    ];
    for (const host of [
      ...wrong,
      'ssh://',
      'ssh://-oProxyCommand=x',
      'ssh://-x@ship',
      'ssh://a:pw@ship',
      '://',
    ]) {
      expect(failureOf(() => transportOf(host)).code, host).toBe('USAGE');
    }
  });

  test('credentials never show in the address or in an error', () => {
    const endpoint = choose({}, 'https://user:s3cret@ship:443');
    expect(endpoint.transport).toMatchObject({ credentials: 'user:s3cret' });
    expect(endpoint.address).toBe('https://ship:443');
    expect(failureOf(() => choose({}, 'ssh://a:s3cret@ship')).message).not.toContain('s3cret');
    expect(failureOf(() => choose({}, 'tcp://a:s3cret@ship:x')).message).not.toContain('s3cret');
    expect(failureOf(() => choose({}, 'bogus://a:s3cret@ship')).message).not.toContain('s3cret');
  });

  test('no text makes anything but an endpoint or a DidiffError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((rest) => `ssh://${rest}`),
        ),
        (host) => {
          try {
            choose({}, host);
          } catch (error) {
            expect(error).toBeInstanceOf(DidiffError);
          }
        },
      ),
    );
  });

  test('nothing of an ssh address can become an option of ssh or a word of the remote shell', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (user, hostname, path) => {
        let transport: ReturnType<typeof transportOf>;
        try {
          transport = transportOf(`ssh://${user}@${hostname}/${path}`);
        } catch {
          return;
        }
        if (transport.kind !== 'ssh') throw new Error('not ssh');
        const words = sshArguments(transport);
        const hostAt = words.indexOf('--') + 1;
        expect(words[hostAt]).toBe(transport.hostname);
        expect(transport.hostname.startsWith('-')).toBe(false);
        const remote = words.slice(hostAt + 1).filter((word) => word.startsWith("'"));
        for (const word of remote) expect(word.slice(1, -1).replaceAll("'\\''", '')).not.toContain("'");
      }),
    );
  });
});

describe('TLS', () => {
  test('a context brings its own certificates', () => {
    expect(choose({ DOCKER_CONTEXT: 'secure' }).transport).toMatchObject({
      tls: { verify: true, ca: 'CA', cert: 'CERT', key: 'KEY' },
    });
    expect(choose({ DOCKER_CONTEXT: 'careless' }).transport).toMatchObject({ tls: { verify: false } });
    expect(choose({ DOCKER_CONTEXT: 'plain' }).transport).not.toHaveProperty('tls');
  });

  test('DOCKER_TLS_VERIFY takes the files of DOCKER_CERT_PATH, and port 2376', () => {
    const directory = join(home, 'certificates');
    mkdirSync(directory);
    const env = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: directory, DOCKER_HOST: 'tcp://ship' };
    expect(failureOf(() => choose(env)).message).toContain('ca.pem');
    writeFileSync(join(directory, 'ca.pem'), 'CA');
    expect(choose(env).transport).toMatchObject({ port: 2376, tls: { verify: true, ca: 'CA' } });
    writeFileSync(join(directory, 'cert.pem'), 'CERT');
    expect(failureOf(() => choose(env)).message).toContain('key.pem');
    writeFileSync(join(directory, 'key.pem'), 'KEY');
    expect(choose(env).transport).toMatchObject({ tls: { cert: 'CERT', key: 'KEY' } });
    expect(choose({ ...env, DOCKER_TLS_VERIFY: '', DOCKER_TLS: '1' }).transport).toMatchObject({
      tls: { verify: false },
    });
  });

  test('a unix socket and http:// are never asked for certificates', () => {
    expect(choose({ DOCKER_TLS_VERIFY: '1' }).transport.kind).toBe('unix');
    expect(choose({ DOCKER_TLS_VERIFY: '1', DOCKER_HOST: 'http://ship:1' }).transport).not.toHaveProperty(
      'tls',
    );
  });
});
