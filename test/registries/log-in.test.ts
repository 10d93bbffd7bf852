/** How a registry is reached: TLS, log-ins of every kind, proxies; and that no secret ever shows. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bytesAccess } from '../../src/bytes/access.ts';
import { sha256 } from '../../src/bytes/digest.ts';
import { DidiffError } from '../../src/errors.ts';
import type { RegistryOptions } from '../../src/stores/registry/connection.ts';
import { openRepository, type Repository } from '../../src/stores/registry/repository.ts';
import { makeCertificates } from '../engines/certificates.ts';
import { buildImage } from '../fixtures/images.ts';
import { startHttpProxy } from './http-proxy.ts';
import { pushImage } from './push.ts';
import { type RunningRegistry, startRegistry } from './server.ts';
import { describeRegistry } from './suite.ts';
import { ISSUER, SERVICE, startTokenService, type TokenService } from './token-service.ts';

describeRegistry('reaching a registry', () => {
  const USER = 'someone';
  const PASSWORD = 'a secret-word';
  const REFRESH = 'refresh-token-that-is-secret';
  /** bcrypt of PASSWORD, of the least cost. */
  const HTPASSWD = `${USER}:$2y$04$abcdefghijklmnopqrstuu5qedIdYHk9/nNDQ9G1/oPdsqCNKSzlq\n`;

  const root = mkdtempSync(join(tmpdir(), 'didiff-log-in-'));
  const certificates = makeCertificates(root);
  const tls = { cert: join(certificates.server, 'cert.pem'), key: join(certificates.server, 'key.pem') };
  const image = buildImage({ seed: 1, layers: [{}] });
  const closing: (() => void | Promise<void>)[] = [];
  let count = 0;

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** A home directory with a config.json of docker's. */
  function homeWith(config: object): string {
    const home = join(root, `home-${count++}`);
    mkdirSync(join(home, '.docker'), { recursive: true });
    writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify(config));
    return home;
  }

  function authOf(text: string): string {
    return Buffer.from(text).toString('base64');
  }

  function open(host: string, options: RegistryOptions, repository = 'team/app'): Repository {
    const opened = openRepository(
      { registry: host, repository },
      { retry: { attempts: 2, baseDelayMs: 10 }, ...options },
    );
    closing.push(() => opened.close());
    return opened;
  }

  /** The failure, as it would show with everything that hangs on it; none of it may be a secret. */
  async function failureOf(work: Promise<unknown>): Promise<DidiffError> {
    const error = await work.then(
      () => new Error('it did not fail'),
      (thrown: unknown) => thrown as Error,
    );
    const shown = `${inspect(error, { depth: 10 })}${JSON.stringify(error)}`;
    for (const secret of [PASSWORD, REFRESH, authOf(`${USER}:${PASSWORD}`), encodeURIComponent(PASSWORD)]) {
      expect(shown).not.toContain(secret);
    }
    expect(error).toBeInstanceOf(DidiffError);
    return error as DidiffError;
  }

  describe('a registry with a certificate of its own authority', () => {
    let server: RunningRegistry;
    beforeAll(async () => {
      server = await startRegistry({ tls });
    });
    afterAll(() => server.stop());

    it('is refused, with where its authority belongs', async () => {
      const error = await failureOf(open(server.host, { env: { HOME: root } }).listTags());
      expect(error.code).toBe('UNREACHABLE');
      expect(error.message).toMatch(/certificate/);
      expect(error.hint).toContain(`certs.d/${server.host}/ca.crt`);
    });

    it("is reached with that authority in certs.d, in a directory that is named, or among the system's", async () => {
      const home = homeWith({});
      const directory = join(home, '.docker', 'certs.d', server.host);
      mkdirSync(directory, { recursive: true });
      const authority = readFileSync(join(certificates.anonymous, 'ca.pem'));
      writeFileSync(join(directory, 'ca.crt'), authority);
      expect(await open(server.host, { env: { HOME: home } }).listTags()).toEqual([]);
      expect(await open(server.host, { env: {}, certDirectory: directory }).listTags()).toEqual([]);
      const SSL_CERT_FILE = join(certificates.anonymous, 'ca.pem');
      expect(await open(server.host, { env: { SSL_CERT_FILE } }).listTags()).toEqual([]);
    });

    it('is reached without proof when that is wished for', async () => {
      expect(await open(server.host, { env: {}, tlsVerify: false }).listTags()).toEqual([]);
    });

    it('is not taken for one without TLS', async () => {
      const error = await failureOf(open(server.host, { env: {}, plainHttp: true }).listTags());
      expect(error.code).toBe('UNSUPPORTED');
    });

    it('is reached through a proxy that wants a log-in, under a name that only the proxy knows', async () => {
      const proxy = await startHttpProxy(
        { 'registry.test:443': server.port },
        { user: USER, password: PASSWORD },
      );
      closing.push(() => proxy.stop());
      const address = `127.0.0.1:${proxy.port}`;
      const HTTPS_PROXY = `http://${USER}:${encodeURIComponent(PASSWORD)}@${address}`;
      const options = { tlsVerify: false, env: { HTTPS_PROXY } };
      expect(await open('registry.test', options).listTags()).toEqual([]);
      expect(proxy.asked).toEqual(['CONNECT registry.test:443']);
      const denied = { HTTPS_PROXY: `http://${USER}:wrong${PASSWORD}@${address}`.replaceAll(' ', '%20') };
      const error = await failureOf(open('registry.test', { tlsVerify: false, env: denied }).listTags());
      expect(error.code).toBe('UNAUTHORISED');
      expect(error.message).toContain(`the proxy at http://${address} refuses`);
      const excluded = { HTTPS_PROXY, NO_PROXY: '.test' };
      expect((await failureOf(open('registry.test', { env: excluded }).listTags())).message).toMatch(
        /host name/,
      );
    });
  });

  it('a registry without TLS is reached plainly through a proxy, and not taken for one with TLS', async () => {
    const server = await startRegistry();
    closing.push(() => server.stop());
    const proxy = await startHttpProxy({
      'registry.test:5000': server.port,
      'registry.test:443': server.port,
    });
    closing.push(() => proxy.stop());
    const env = { http_proxy: `127.0.0.1:${proxy.port}`, https_proxy: `127.0.0.1:${proxy.port}` };
    expect(await open('registry.test:5000', { env, plainHttp: true }).listTags()).toEqual([]);
    expect(proxy.asked).toEqual(['GET http://registry.test:5000/v2/team/app/tags/list?n=1000']);
    const error = await failureOf(open('registry.test', { env }).listTags());
    expect(error.hint).toContain('--plain-http');
  });

  describe('a registry with basic log-ins', () => {
    let server: RunningRegistry;
    beforeAll(async () => {
      const htpasswd = join(root, 'htpasswd');
      writeFileSync(htpasswd, HTPASSWD);
      server = await startRegistry({ auth: { htpasswd: { realm: 'tests', path: htpasswd } } });
      const headers = { authorization: `Basic ${authOf(`${USER}:${PASSWORD}`)}` };
      await pushImage({ root: `http://${server.host}`, repository: 'team/app', headers }, '1', image);
    });
    afterAll(() => server.stop());

    it('says how to log in when nobody did', async () => {
      const error = await failureOf(open(server.host, { env: { HOME: root } }).listTags());
      expect(error.code).toBe('UNAUTHORISED');
      expect(error.hint).toContain(`docker login ${server.host}`);
    });

    it.each([
      [
        'docker has under its host',
        (host: string) => ({ auths: { [host]: { auth: authOf(`${USER}:${PASSWORD}`) } } }),
      ],
      [
        'an old docker has as a URL',
        (host: string) => ({ auths: { [`https://${host}/v1/`]: { auth: authOf(`${USER}:${PASSWORD}`) } } }),
      ],
      [
        'podman has for a part of it',
        (host: string) => ({
          auths: {
            [`${host}/team`]: { auth: authOf(`${USER}:${PASSWORD}`) },
            [host]: { auth: authOf('a:b') },
          },
        }),
      ],
    ])('takes what %s', async (_, config) => {
      const home = homeWith(config(server.host));
      expect(await open(server.host, { env: { HOME: home } }).listTags()).toEqual(['1']);
    });

    it('refuses a wrong password once, and nothing of it shows', async () => {
      const wrong = 'not-the-password';
      const home = homeWith({ auths: { [server.host]: { auth: authOf(`${USER}:${wrong}`) } } });
      const error = await failureOf(open(server.host, { env: { HOME: home } }).listTags());
      expect(error.code).toBe('UNAUTHORISED');
      expect(inspect(error, { depth: 10 })).not.toContain(wrong);
    });

    it('takes what a helper gives, and shows nothing of one that fails', async () => {
      const bin = join(root, 'bin');
      mkdirSync(bin, { recursive: true });
      const helper = (name: string, script: string) => {
        writeFileSync(join(bin, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
        chmodSync(join(bin, `docker-credential-${name}`), 0o755);
      };
      const answer = JSON.stringify({ ServerURL: server.host, Username: USER, Secret: PASSWORD });
      helper('good', `read server; [ "$1 $server" = "get ${server.host}" ] && echo '${answer}'`);
      helper('none', 'echo "credentials not found in native keychain"; exit 1');
      helper('bad', `echo '${PASSWORD}'; echo '${PASSWORD}' >&2; exit 3`);
      const env = (config: object) => ({ HOME: homeWith(config), PATH: `${bin}:${process.env['PATH']}` });
      const tags = (config: object) => open(server.host, { env: env(config) }).listTags();
      expect(await tags({ credHelpers: { [server.host]: 'good' }, credsStore: 'bad' })).toEqual(['1']);
      expect(await tags({ credsStore: 'good' })).toEqual(['1']);
      expect((await failureOf(tags({ credsStore: 'none' }))).code).toBe('UNAUTHORISED');
      const failed = await failureOf(tags({ credsStore: 'bad' }));
      expect(failed.message).toMatch(/docker-credential-bad gave nothing .* exit code 3/);
      expect((await failureOf(tags({ credsStore: 'missing' }))).code).toBe('NOT_FOUND');
      expect((await failureOf(tags({ credsStore: '../x' }))).code).toBe('USAGE');
    });

    it('shows nothing of a damaged config.json', async () => {
      const home = homeWith({});
      writeFileSync(join(home, '.docker', 'config.json'), `{"auths": {"x": ${PASSWORD}`);
      const error = await failureOf(open(server.host, { env: { HOME: home } }).listTags());
      expect(error.code).toBe('CORRUPT_INPUT');
    });
  });

  describe('a registry with a token service', () => {
    let service: TokenService;
    let server: RunningRegistry;
    const home = () => homeWith({ auths: { [server.host]: { auth: authOf(`${USER}:${PASSWORD}`) } } });
    beforeAll(async () => {
      const certificate = join(certificates.server, 'cert.pem');
      const key = join(certificates.server, 'key.pem');
      service = await startTokenService({
        certificate,
        key,
        user: USER,
        password: PASSWORD,
        refreshToken: REFRESH,
      });
      const token = { realm: service.realm, service: SERVICE, issuer: ISSUER, rootcertbundle: certificate };
      server = await startRegistry({ auth: { token } });
    });
    afterAll(async () => {
      await server.stop();
      await service.stop();
    });

    const bytes = new TextEncoder().encode('some content');
    const digest = sha256(bytes);

    it('gives reading to anybody, and asks for one token for many calls', async () => {
      const before = service.asked.length;
      const repository = open(server.host, { env: { HOME: root } });
      expect(await repository.listTags()).toEqual([]);
      expect(await repository.findBlobSize(digest)).toBeUndefined();
      expect(service.asked.slice(before)).toEqual([
        { method: 'GET', scopes: ['repository:team/app:pull'], by: '' },
      ]);
    });

    it('gives writing to who logged in, and says so to others', async () => {
      const nobody = open(server.host, { env: { HOME: root } });
      const error = await failureOf(nobody.uploadBlob(digest, bytesAccess(bytes)));
      expect(error.code).toBe('UNAUTHORISED');
      const someone = open(server.host, { env: { HOME: home() } });
      await someone.uploadBlob(digest, bytesAccess(bytes));
      expect(await someone.findBlobSize(digest)).toBe(bytes.length);
      // A mount needs leave for both repositories.
      const other = someone.sibling('team/other');
      expect(await other.mountBlob(digest, 'team/app')).toBe(true);
      expect(service.asked.at(-1)?.scopes).toEqual([
        'repository:team/other:pull,push',
        'repository:team/app:pull',
      ]);
      expect(await other.findBlobSize(digest)).toBe(bytes.length);
    });

    it('takes a refresh token for a password, and refuses a wrong one without showing it', async () => {
      const withToken = (identitytoken: string) =>
        open(server.host, { env: { HOME: homeWith({ auths: { [server.host]: { identitytoken } } }) } });
      await withToken(REFRESH).uploadBlob(digest, bytesAccess(bytes));
      expect(service.asked.at(-1)?.method).toBe('POST');
      const error = await failureOf(withToken('another-refresh-token').listTags());
      expect(error.code).toBe('UNAUTHORISED');
      expect(inspect(error, { depth: 10 })).not.toContain('another-refresh-token');
    });

    it('sends a token that is filed as it is', async () => {
      const repository = open(server.host, { env: { HOME: home() } });
      await repository.findBlobSize(digest);
      const registrytoken = service.tokens.at(-1)!;
      const before = service.asked.length;
      const env = { HOME: homeWith({ auths: { [server.host]: { registrytoken } } }) };
      expect(await open(server.host, { env }).findBlobSize(digest)).toBe(bytes.length);
      expect(service.asked.length).toBe(before);
    });

    it('refuses a wrong password, and what the service says back of it does not show', async () => {
      const wrong = homeWith({ auths: { [server.host]: { auth: authOf(`${USER}:wrong`) } } });
      const error = await failureOf(open(server.host, { env: { HOME: wrong } }).listTags());
      expect(error.code).toBe('UNAUTHORISED');
      expect(error.message).toMatch(/refuses the credentials/);
    });
  });
});
