/** Blobs over lines that cut, delay, throttle and damage; and registries that are busy, or lead elsewhere. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bytesAccess, readRange } from '../../src/bytes/access.ts';
import { sha256, startDigest } from '../../src/bytes/digest.ts';
import { type RawDocument, rawDocument } from '../../src/image/manifest.ts';
import type { RegistryOptions } from '../../src/stores/registry/connection.ts';
import { fetchBlob } from '../../src/stores/registry/fetch-blob.ts';
import { openRepository, type Repository } from '../../src/stores/registry/repository.ts';
import { seededNoise } from '../fixtures/random.ts';
import { type BadLine, startBadLine } from './bad-line.ts';
import { type Front, startFront } from './front.ts';
import { pushBlob } from './push.ts';
import { type RunningRegistry, startRegistry } from './server.ts';
import { describeRegistry } from './suite.ts';

describeRegistry('blobs of a registry', () => {
  const MEGABYTE = 1 << 20;
  const blob = rawDocument(seededNoise(1, 6 * MEGABYTE), 'application/octet-stream');
  const name = { digest: blob.digest, sizeBytes: blob.bytes.length };
  const closing: (() => void | Promise<void>)[] = [];
  const tempDirectory = mkdtempSync(join(tmpdir(), 'didiff-bad-line-'));
  let server: RunningRegistry;
  let line: BadLine;

  beforeAll(async () => {
    server = await startRegistry();
    line = await startBadLine(server.port);
    await pushBlob({ root: `http://${server.host}`, repository: 'line/app' }, blob);
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    line.set({});
  });
  afterAll(async () => {
    await line.stop();
    await server.stop();
    rmSync(tempDirectory, { recursive: true, force: true });
  });

  function open(host: string, options: RegistryOptions = {}): Repository {
    const retry = { attempts: 4, baseDelayMs: 10, ...options.retry };
    const repository = openRepository(
      { registry: host, repository: 'line/app' },
      { env: {}, plainHttp: true, idleTimeoutMs: 10_000, ...options, retry },
    );
    closing.push(() => repository.close());
    return repository;
  }

  async function readAll(repository: Repository, wanted = name): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of repository.readBlob(wanted)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  describe('a blob over a bad line', () => {
    it('comes whole over one that is cut again and again, hardly a byte of it twice', async () => {
      line.reset();
      line.set({ cutAfterBytes: 300_000 });
      expect(sha256(await readAll(open(line.host)))).toBe(blob.digest);
      expect(line.connections()).toBeGreaterThan(15);
      // Each answer has a header besides.
      expect(line.receivedBytes()).toBeLessThan(blob.bytes.length + line.connections() * 2000);
    });

    it('comes whole over one that is slow and late', async () => {
      line.set({ delayMs: 5, bytesPerSecond: 8 * MEGABYTE });
      expect(sha256(await readAll(open(line.host)))).toBe(blob.digest);
    });

    it('goes on from where an earlier run was, and is proved as a whole', async () => {
      line.reset();
      const digest = startDigest();
      digest.update(blob.bytes.subarray(0, 5 * MEGABYTE));
      const pieces: Uint8Array[] = [];
      const options = { startBytes: 5 * MEGABYTE, digest };
      for await (const piece of open(line.host).readBlob(name, options)) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(blob.bytes.subarray(5 * MEGABYTE))).toBe(true);
      expect(line.receivedBytes()).toBeLessThan(MEGABYTE + 2000);
      const wrong = startDigest();
      wrong.update(new Uint8Array(5 * MEGABYTE));
      const read = async () => {
        for await (const _ of open(line.host).readBlob(name, { startBytes: 5 * MEGABYTE, digest: wrong }));
      };
      await expect(read()).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
    });

    it('is fetched again when it came damaged, and refused when it always does', async () => {
      const fetch = async () => {
        const file = await fetchBlob(open(line.host), name, 'a blob', { tempDirectory });
        const found = sha256(readRange(file, 0, file.sizeBytes, file.sizeBytes));
        file.close();
        return found;
      };
      line.set({ corruptEvery: 2 * MEGABYTE, corruptions: 1 });
      expect(await fetch()).toBe(blob.digest);
      line.set({ corruptEvery: 2 * MEGABYTE });
      await expect(fetch()).rejects.toMatchObject({
        code: 'CORRUPT_INPUT',
        message: expect.stringMatching(/damaged/),
      });
    });

    it('is given up when nothing comes any more', async () => {
      line.set({ cutAfterBytes: 0 });
      await expect(readAll(open(line.host))).rejects.toMatchObject({ code: 'UNREACHABLE' });
      line.set({ delayMs: 3000 });
      const impatient = open(line.host, { idleTimeoutMs: 100, retry: { attempts: 2, baseDelayMs: 1 } });
      await expect(readAll(impatient)).rejects.toMatchObject({
        code: 'UNREACHABLE',
        message: expect.stringMatching(/nothing came for 0.1 s/),
      });
    });

    it('ends at once when its signal is aborted', async () => {
      line.set({ bytesPerSecond: 100_000 });
      const stop = new AbortController();
      const read = async () => {
        for await (const _ of open(line.host).readBlob(name, { signal: stop.signal })) stop.abort();
      };
      await expect(read()).rejects.toMatchObject({ name: 'AbortError' });
    });
  });

  describe('an upload over a bad line', () => {
    const fresh = (seed: number): RawDocument => rawDocument(seededNoise(seed, 11 * MEGABYTE), 'x');

    it.each([
      ['in the middle of a chunk', { cutSentAfterBytes: 9 * MEGABYTE, cuts: 2 }],
      ['before the answer to a chunk', { cutAfterBytes: 1500, cuts: 3 }],
    ])('ends whole when it is cut %s', async (_, faults) => {
      const content = fresh(faults.cuts);
      line.set(faults);
      const repository = open(line.host);
      await repository.uploadBlob(content.digest, bytesAccess(content.bytes));
      line.set({});
      expect(await repository.findBlobSize(content.digest)).toBe(content.bytes.length);
      expect(
        sha256(await readAll(repository, { digest: content.digest, sizeBytes: content.bytes.length })),
      ).toBe(content.digest);
    });

    it('of what is not what its digest says is refused, and nothing is there', async () => {
      const content = seededNoise(7, 1000);
      const repository = open(server.host);
      await expect(
        repository.uploadBlob(sha256(new Uint8Array(1)), bytesAccess(content)),
      ).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
      expect(await repository.findBlobSize(sha256(new Uint8Array(1)))).toBeUndefined();
    });
  });

  describe('a registry behind something else', () => {
    let front: Front;
    beforeAll(async () => {
      front = await startFront(server.port);
    });
    afterEach(() => {
      front.hooks = {};
      front.seen.length = 0;
    });
    afterAll(() => front.stop());

    it('that limits requests is waited for as long as it asks, and that is told', async () => {
      const notices: string[] = [];
      let busy = 2;
      front.hooks = {
        before: () =>
          busy-- > 0
            ? {
                status: 429,
                headers: {
                  'retry-after': '2',
                  'ratelimit-limit': '100;w=21600',
                  'ratelimit-remaining': '0;w=21600',
                },
              }
            : undefined,
      };
      const started = Date.now();
      const repository = open(front.host, { onNotice: (notice) => notices.push(notice) });
      expect(await repository.findBlobSize(blob.digest)).toBe(blob.bytes.length);
      expect(Date.now() - started).toBeGreaterThanOrEqual(4000);
      expect(notices).toEqual([
        `${front.host} limits how often it is asked (100 requests in 6 hours, of which 0 are left); going on in 2 s`,
      ]);
    });

    it('that asks for more patience than there is fails, with what it allows', async () => {
      const headers = { 'retry-after': '3600', 'ratelimit-limit': '100;w=21600' };
      front.hooks = { before: () => ({ status: 429, headers }) };
      await expect(open(front.host).findBlobSize(blob.digest)).rejects.toMatchObject({
        code: 'UNREACHABLE',
        hint: expect.stringMatching(/allows 100 requests in 6 hours. Try again in 60 minutes; logging in/),
      });
      expect(front.seen).toHaveLength(1);
    });

    it('that leads elsewhere for blobs does not get the log-in sent there, also when it is cut', async () => {
      const elsewhere = await startFront(server.port);
      closing.push(() => elsewhere.stop());
      const signed = `http://${elsewhere.host}/v2/line/app/blobs/${blob.digest}?signature=very-secret`;
      front.hooks = {
        before({ path, headers }) {
          if (headers.authorization !== `Basic ${Buffer.from('a:pass-word').toString('base64')}`)
            return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
          return path.includes('/blobs/') ? { status: 307, headers: { location: signed } } : undefined;
        },
      };
      const REGISTRY_AUTH_FILE = join(tempDirectory, 'auth.json');
      const { writeFileSync } = await import('node:fs');
      const auth = Buffer.from('a:pass-word').toString('base64');
      writeFileSync(REGISTRY_AUTH_FILE, JSON.stringify({ auths: { [front.host]: { auth } } }));
      const repository = open(front.host, { env: { REGISTRY_AUTH_FILE } });
      expect(sha256(await readAll(repository))).toBe(blob.digest);
      expect(elsewhere.seen).toHaveLength(1);
      expect(elsewhere.seen[0]!.headers.authorization).toBeUndefined();
      elsewhere.hooks = { before: () => ({ status: 403 }) };
      const error: Error = await readAll(repository).then(
        () => new Error('no failure'),
        (thrown: Error) => thrown,
      );
      expect(error).toMatchObject({ code: 'UNAUTHORISED' });
      expect(`${error.message}${JSON.stringify(error)}`).not.toContain('very-secret');
    });

    it('that leads in a circle is not followed for ever', async () => {
      front.hooks = { before: ({ path }) => ({ status: 307, headers: { location: path } }) };
      await expect(readAll(open(front.host))).rejects.toThrow(/redirects more than 5 times/);
    });

    it('that knows no ranges, or wrong ones, gives no wrong bytes', async () => {
      const rest = async (repository: Repository) => {
        const digest = startDigest();
        digest.update(blob.bytes.subarray(0, 1000));
        const pieces: Uint8Array[] = [];
        for await (const piece of repository.readBlob(name, { startBytes: 1000, digest })) pieces.push(piece);
        return Buffer.concat(pieces);
      };
      front.hooks = { before: () => ({ status: 200, body: blob.bytes }) };
      expect((await rest(open(front.host))).equals(blob.bytes.subarray(1000))).toBe(true);
      const body = blob.bytes.subarray(999);
      const headers = { 'content-range': `bytes 999-${blob.bytes.length - 1}/${blob.bytes.length}` };
      front.hooks = { before: () => ({ status: 206, headers, body }) };
      await expect(rest(open(front.host))).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
      front.hooks = { before: () => ({ status: 206, body }) };
      await expect(rest(open(front.host))).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
    });

    it('that sends more than there should be, less, or packed bytes, is told so', async () => {
      const chunked = { 'transfer-encoding': 'chunked' };
      front.hooks = {
        before: () => ({
          status: 200,
          headers: chunked,
          body: Buffer.concat([blob.bytes, Buffer.from('x')]),
        }),
      };
      await expect(readAll(open(front.host))).rejects.toThrow(/goes on behind its/);
      const short = { 'content-length': String(blob.bytes.length - 1) };
      front.hooks = { before: () => ({ status: 200, headers: short, body: blob.bytes.subarray(1) }) };
      await expect(readAll(open(front.host))).rejects.toThrow(/expected 6291456/);
      front.hooks = { before: () => ({ status: 200, headers: { 'content-encoding': 'br' }, body: 'x' }) };
      await expect(readAll(open(front.host))).rejects.toThrow(/comes packed/);
    });

    it('whose pages lead in a circle is not read for ever', async () => {
      front.hooks = {
        before: ({ path }) => ({
          status: 200,
          headers: { link: `<${path}?again>; rel="next"` },
          body: '{"tags":["a"]}',
        }),
      };
      await expect(open(front.host).listTags()).rejects.toMatchObject({ code: 'LIMIT' });
    });

    it('that wants larger chunks gets them', async () => {
      front.hooks = {
        after: ({ method }, answer) =>
          method === 'POST'
            ? { ...answer, headers: { ...answer.headers, 'oci-chunk-min-length': String(5 * MEGABYTE) } }
            : answer,
      };
      const content = seededNoise(99, 11 * MEGABYTE);
      await open(front.host).uploadBlob(sha256(content), bytesAccess(content));
      const sizes = front.seen.filter(({ method }) => ['PATCH', 'PUT'].includes(method));
      expect(sizes.map(({ method, body }) => [method, body.length])).toEqual([
        ['PATCH', 5 * MEGABYTE],
        ['PATCH', 5 * MEGABYTE],
        ['PUT', MEGABYTE],
      ]);
    });

    it('that stores a manifest as another one is told so', async () => {
      front.hooks = {
        before: () => ({ status: 201, headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } }),
      };
      await expect(open(front.host).putManifest('x', blob)).rejects.toMatchObject({
        code: 'RESULT_MISMATCH',
      });
    });
  });
});
