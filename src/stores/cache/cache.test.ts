import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestHex, sha256 } from '../../bytes/digest.ts';
import { processPlace } from '../../bytes/file.ts';
import { openCache, removeOldCaches } from './cache.ts';

const content = new Uint8Array(100_000).map((_, i) => i * 7);
const digest = sha256(content);
const name = digestHex(digest);
let parent: string;
let directory: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'didiff-cache-'));
  directory = join(parent, 'c0ffee');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

function put(part: Uint8Array, isWhole: boolean): void {
  const file = openCache(directory).grow(name);
  file.append(part);
  file.digest.update(part);
  if (isWhole) file.commit();
  else file.close();
}

describe('the cache', () => {
  it('makes nothing before something is put into it', async () => {
    const cache = openCache(directory);
    expect([cache.list(), cache.presentBytes(name), await cache.find(name, digest)]).toEqual([
      [],
      0,
      undefined,
    ]);
    expect(existsSync(directory)).toBe(false);
  });

  it('goes on with a file where it was, with a digest that has seen what is there', async () => {
    put(content.subarray(0, 30_000), false);
    const cache = openCache(directory);
    expect([cache.list(), cache.presentBytes(name), await cache.find(name, digest)]).toEqual([
      [],
      30_000,
      undefined,
    ]);
    const file = cache.grow(name);
    expect(file.digest.sizeBytes).toBe(30_000);
    file.append(content.subarray(30_000));
    file.digest.update(content.subarray(30_000));
    expect(file.digest.finish()).toBe(digest);
    file.commit();
    const whole = await cache.find(name, digest);
    expect([whole?.sizeBytes, cache.list()]).toEqual([content.length, [name]]);
    whole?.close();
  });

  it('starts a file again from nothing', () => {
    put(content.subarray(0, 30_000), false);
    const cache = openCache(directory);
    const file = cache.grow(name);
    file.restart();
    file.append(content.subarray(0, 5));
    expect(file.digest.sizeBytes).toBe(0);
    file.close();
    expect(readFileSync(join(directory, `${name}.part`))).toEqual(Buffer.from(content.subarray(0, 5)));
  });

  it('drops a whole file that was changed since', async () => {
    put(content, true);
    writeFileSync(join(directory, name), content.subarray(1));
    expect(await openCache(directory).find(name, digest)).toBeUndefined();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('lets two processes make the same file', async () => {
    const [a, b] = [openCache(directory).grow(name), openCache(directory).grow(name)];
    for (const file of [a, b]) file.append(content);
    a.commit();
    b.commit();
    (await openCache(directory).find(name, digest))!.close();
  });

  it('lets one process in at a time, and takes over from the dead', () => {
    const cache = openCache(directory);
    mkdirSync(directory);
    const lock = join(directory, 'lock');
    writeFileSync(lock, `${process.ppid} ${processPlace()}\n`);
    expect(() => cache.lock()).toThrow(`process ${process.ppid} is pulling this image already`);
    for (const dead of [
      `999999999 ${processPlace()}`,
      `${process.ppid} elsewhere`,
      '',
      `${process.pid} ${processPlace()}`,
    ]) {
      writeFileSync(lock, dead);
      cache.lock();
      expect(readFileSync(lock, 'utf8')).toBe(`${process.pid} ${processPlace()}\n`);
      cache.release();
      expect(existsSync(lock)).toBe(false);
    }
  });

  it('goes as a whole', () => {
    put(content, true);
    const cache = openCache(directory);
    cache.lock();
    cache.clear();
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe('old caches', () => {
  it('are removed, and nothing else is', () => {
    const day = 86_400_000;
    const now = Date.now();
    for (const [each, age] of [
      ['aa', 40],
      ['bb', 20],
      ['documents', 40],
      ['somebody elses', 40],
    ] as const) {
      mkdirSync(join(parent, each));
      utimesSync(join(parent, each), new Date(now - age * day), new Date(now - age * day));
    }
    removeOldCaches(parent, 30 * day, now);
    expect(readdirSync(parent).sort()).toEqual(['bb', 'documents', 'somebody elses']);
    removeOldCaches(join(parent, 'not there'), 30 * day, now);
  });
});
