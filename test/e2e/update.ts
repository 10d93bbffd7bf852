/** An update as people make it: the real program, a real engine, and the docker command line to see what came of it. */
import { readdirSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Digest } from '../../src/index.ts';
import type { RunningEngine } from '../engines/daemon.ts';
import { imageIds, savedDigests, seedImage } from '../engines/images.ts';
import { type CountingProxy, startProxy } from '../engines/proxy.ts';
import { buildProgram } from '../fixtures/built-program.ts';
import { buildImage } from '../fixtures/images.ts';
import { expectImage, openWorkshop, writeFixture } from '../fixtures/patching.ts';

/** Noise of 2 MB below, and two small layers that change: where blobs are kept, one of them is carried and one is a delta. */
const LARGE = { seed: 900, files: 40, fileBytes: 50_000 };
const BASE = buildImage({
  seed: 900,
  label: 'base',
  layers: [LARGE, { seed: 901 }, { seed: 902, files: 30 }],
});
const TARGET = buildImage({
  seed: 900,
  label: 'target',
  layers: [
    LARGE,
    { seed: 901, variant: 1 },
    { seed: 902, files: 30, variant: 1, compression: 'none' },
    { seed: 903, files: 1 },
  ],
});
const OTHER = buildImage({ seed: 950, layers: [{ files: 2 }] });
const NEAR = buildImage({ seed: 900, label: 'near', layers: [LARGE] });

export function testUpdates(running: () => RunningEngine): void {
  describe('an update', () => {
    const workshop = openWorkshop();
    const program = buildProgram();
    const patch = workshop.newPath('app.didiff');
    let proxy: CountingProxy;
    let baseId: Digest;
    let targetId: Digest;
    let saved: ReadonlySet<Digest>;

    /** Runs the program against the engine; gives its result, or its error. */
    const didiff = async (...args: readonly string[]) => {
      const finished = await program.run([
        '--host',
        proxy.host,
        '--temp-dir',
        workshop.tempDirectory,
        '--json',
        ...args,
      ]);
      expect(readdirSync(workshop.tempDirectory)).toEqual([]);
      return JSON.parse(finished.code === 0 ? finished.stdout : finished.stderr.trim().split('\n').at(-1)!);
    };
    const idOf = (name: string) => running().docker('image', 'inspect', '--format', '{{.Id}}', name).trim();
    const removeTarget = () => running().docker('rmi', '--force', targetId);

    /** podman's saves also have names, in the form they were once given in: there only content counts. */
    const expectWhole = () => {
      const again = savedDigests(running(), 'app:2');
      for (const { diffId, blob } of TARGET.layers)
        expect(again).toContain(running().kind === 'containerd' ? blob.digest : diffId);
      expect(again).toContain(TARGET.config.digest);
      if (running().kind !== 'podman') expect(again).toEqual(saved);
    };

    beforeAll(async () => {
      proxy = await startProxy(running());
      baseId = seedImage(running(), BASE, 'app:1');
      targetId = seedImage(running(), TARGET, 'app:2');
      saved = savedDigests(running(), 'app:2');
    });
    afterAll(() => proxy.stop());

    test('is made from two images of the engine', async () => {
      const report = await didiff('create', 'app:1', targetId.slice(7, 19), patch);
      expect(report).toMatchObject({ base: 'app:1', patchBytes: statSync(patch).size });
      expect(report.layers.map(({ how }: { how: string }) => how)[0]).toBe('base');
      expect(report.exactManifest).toBe(running().kind === 'containerd' ? true : undefined);
      expect(report.patchBytes).toBeLessThan(120_000);
    });

    test('makes the very same image where only the base is, which is found by itself', async () => {
      removeTarget();
      expect(imageIds(running())).toEqual([baseId]);
      proxy.reset();
      const result = await didiff('apply', patch, '-t', 'app:2', '-t', 'team/app:latest');
      expect(result).toMatchObject({ id: targetId, wasThere: false });
      expect([...result.names].sort()).toEqual(
        ['app:2', 'team/app:latest'].map((name) => expect.stringMatching(name)),
      );
      expect([idOf('app:2'), idOf('team/app:latest'), idOf('app:1')]).toEqual([targetId, targetId, baseId]);
      if (running().kind === 'containerd') {
        const format = '{{.ID}} {{.Digest}}';
        const shown = running()
          .docker('images', '--digests', '--no-trunc', '--format', format, 'app:2')
          .trim();
        expect(shown).toBe(`${TARGET.manifest.digest} ${TARGET.manifest.digest}`);
      }
      const large = TARGET.layers[0]!;
      const limit = running().kind === 'containerd' ? large.blob.bytes.length : large.tar.length;
      if (running().kind === 'podman') expect(proxy.sentBytes()).toBeGreaterThan(limit);
      else expect(proxy.sentBytes()).toBeLessThan(limit / 4);
      running().docker('rmi', 'team/app:latest');
    });

    test('is whole: a save has what the save of the original had, and the base may go', () => {
      expectWhole();
      running().docker('rmi', '--force', baseId);
      expectWhole();
      seedImage(running(), BASE, 'app:1');
    });

    test('that is there already only gives the name', async () => {
      proxy.reset();
      const result = await didiff('apply', patch, '-t', 'app:again');
      expect(result).toMatchObject({ id: targetId, wasThere: true, writtenLayers: 0 });
      expect(idOf('app:again')).toBe(targetId);
      expect(proxy.sentBytes()).toBeLessThan(10_000);
      running().docker('rmi', 'app:again');
    });

    test('works in the form of three words, which checks the target', async () => {
      removeTarget();
      const wrong = await didiff('apply', 'app:1', baseId, patch, '-t', 'app:2');
      expect(wrong.error).toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining('does not lead to'),
      });
      expect(imageIds(running())).toEqual([baseId]);
      expect(await didiff('apply', 'app:1', targetId, patch, '-t', 'app:2')).toMatchObject({ id: targetId });
      expect(idOf('app:2')).toBe(targetId);
    });

    test('is checked without being made', async () => {
      removeTarget();
      expect(await didiff('check', patch)).toMatchObject({ wasThere: false });
      expect(imageIds(running())).toEqual([baseId]);
    });

    test('goes to a file, and comes from one', async () => {
      const path = workshop.newPath('app.tar');
      await didiff('apply', patch, '--to', `docker-archive:${path}`, '-t', 'app:2');
      await expectImage(workshop, `docker-archive:${path}`, TARGET);
      const base = writeFixture(workshop, 'oci', BASE);
      expect(await didiff('apply', patch, '--base', base, '-t', 'app:2')).toMatchObject({ id: targetId });
      expect(idOf('app:2')).toBe(targetId);
    });

    test('without its base says which layers are missing, and what is nearest', async () => {
      removeTarget();
      running().docker('rmi', '--force', baseId);
      const other = seedImage(running(), OTHER, 'other:1');
      const none = await didiff('apply', patch, '-t', 'app:2');
      expect(none.error).toMatchObject({
        code: 'BASE_MISMATCH',
        exitCode: 9,
        hint: expect.stringContaining('app:1'),
      });
      const near = seedImage(running(), NEAR, 'near:1');
      const { error } = await didiff('apply', patch, '-t', 'app:2');
      expect(error).toMatchObject({
        code: 'BASE_MISMATCH',
        message: expect.stringMatching(/nearest, .*near:1.*, lacks/),
      });
      const named = await didiff('apply', patch, '--base', 'other:1', '-t', 'app:2');
      expect(named.error).toMatchObject({
        code: 'BASE_MISMATCH',
        message: expect.stringMatching(/^other:1 is not the base/),
      });
      expect(imageIds(running())).toEqual([near, other].sort());
    });
  });
}
