/** OCI layouts written by several processes at once, and by processes that are killed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processPlace } from '../../bytes/file.ts';
import { LOCK_NAME, withLock } from './lock.ts';
import { openOciLayout } from './open.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-processes-'));
const dist = join(root, 'dist');
const options = { tempDirectory: root };
let count = 0;

beforeAll(() => {
  const tsc = resolve('node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', dist], { stdio: 'inherit' });
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('an OCI layout', () => {
  it('keeps every image of processes that write to it at once', async () => {
    const directory = freshPath();
    const seeds = [1, 2, 3, 4, 5, 6];
    await Promise.all(seeds.map((seed) => write(directory, seed)));
    for (const seed of seeds) await expectWhole(directory, seed);
    expectTidy(directory);
  });

  it.each(['begin', 'layer', 'put'])(
    'is as it was when its writer is killed at %s, and tidy after the next',
    async (stage) => {
      const directory = freshPath();
      await write(directory, 1);
      await kill(start(directory, 2, stage));
      await expectWhole(directory, 1);
      await expect(openOciLayout(directory, 'seed:2', options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await write(directory, 3);
      expectTidy(directory);
    },
  );

  it('can be begun again when its first writer is killed', async () => {
    const directory = freshPath();
    await kill(start(directory, 1, 'layer'));
    await write(directory, 2);
    await expectWhole(directory, 2);
    expectTidy(directory);
  });

  it('has each image whole or not at all, whenever its writers are killed', async () => {
    const directory = freshPath();
    await write(directory, 0);
    for (let seed = 1; seed <= 12; seed++) {
      const writer = start(directory, seed, 'none');
      await once(writer, 'spawn');
      await sleep(60 + seed * 12);
      writer.kill('SIGKILL');
      if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
      await expectWhole(directory, 0);
      await expectWhole(directory, seed).catch((error) => expect(error.code).toBe('NOT_FOUND'));
    }
    await write(directory, 99);
    expectTidy(directory);
  });
});

describe('the lock of a layout', () => {
  it('is taken over from a process that is gone', async () => {
    const directory = freshPath();
    mkdirSync(directory);
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'exit');
    writeFileSync(join(directory, LOCK_NAME), `${gone.pid} ${processPlace()} 00\n`);
    expect(await withLock(directory, () => 'done')).toBe('done');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is taken over from elsewhere only when it has not changed for a while', async () => {
    const directory = freshPath();
    mkdirSync(directory);
    writeFileSync(join(directory, LOCK_NAME), '1 another-host 00\n');
    const before = performance.now();
    await withLock(directory, () => {}, undefined, 200);
    expect(performance.now() - before).toBeGreaterThan(190);
  });

  it('is waited for, until it is free or the signal is aborted', async () => {
    const directory = freshPath();
    mkdirSync(directory);
    const path = join(directory, LOCK_NAME);
    writeFileSync(path, `${process.pid} ${processPlace()} 00\n`);
    await expect(withLock(directory, () => {}, AbortSignal.timeout(100))).rejects.toThrow();
    setTimeout(() => rmSync(path), 150);
    expect(await withLock(directory, () => existsSync(path))).toBe(true);
    expect(existsSync(path)).toBe(false);
  });

  it('is given back when the work under it fails', async () => {
    const directory = freshPath();
    mkdirSync(directory);
    const failing = () => {
      throw new Error('failed under the lock');
    };
    await expect(withLock(directory, failing)).rejects.toThrow('failed under the lock');
    expect(readdirSync(directory)).toEqual([]);
  });
});

function start(directory: string, seed: number, stopAt: string): ChildProcess {
  const script = resolve('test/fixtures/oci-writer.mjs');
  return spawn(process.execPath, [script, dist, directory, `seed:${seed}`, String(seed), stopAt], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function write(directory: string, seed: number): Promise<void> {
  const [code] = await once(start(directory, seed, 'none'), 'exit');
  expect(code).toBe(0);
}

/** Kills a writer that has come to where it waits. */
async function kill(writer: ChildProcess): Promise<void> {
  const [said] = await once(writer.stdout!, 'data');
  expect(String(said).trim()).toBe('waiting');
  writer.kill('SIGKILL');
  await once(writer, 'exit');
}

async function expectWhole(directory: string, seed: number): Promise<void> {
  const opened = await openOciLayout(directory, `seed:${seed}`, options);
  try {
    await opened.openBlobs([0, 1], options);
  } finally {
    await opened.close();
  }
}

function expectTidy(directory: string): void {
  expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
}

function freshPath(): string {
  const path = join(root, `layout-${count++}`);
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  return path;
}
