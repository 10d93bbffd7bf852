/** Images of a real registry: chosen, patched, written, with as little sent as can be; and read by skopeo as they were. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/bytes/digest.ts';
import { applyPatch, createPatch, openDestination, openImage, openPatch } from '../../src/index.ts';
import { buildImage, buildIndex, targetOf } from '../fixtures/images.ts';
import { buildTar } from '../fixtures/layer-tar.ts';
import { seededNoise } from '../fixtures/random.ts';
import { type BadLine, startBadLine } from './bad-line.ts';
import { pushImage, pushIndex, tagsOf } from './push.ts';
import { type RunningRegistry, startRegistry } from './server.ts';
import { describeRegistry } from './suite.ts';

describeRegistry('images of a registry', () => {
  const hasSkopeo = spawnSync('skopeo', ['--version']).status === 0;
  const tempDirectory = mkdtempSync(join(tmpdir(), 'didiff-images-'));
  const options = { tempDirectory };
  const tarOf = (seed: number, sizeBytes: number) =>
    buildTar([{ name: 'data', type: '0', content: seededNoise(seed, sizeBytes) }]);
  let server: RunningRegistry;
  let line: BadLine;
  const at = (repository: string) => ({ root: `http://${server.host}`, repository });

  beforeAll(async () => {
    server = await startRegistry();
    line = await startBadLine(server.port);
  });
  afterAll(async () => {
    await line.stop();
    await server.stop();
    rmSync(tempDirectory, { recursive: true, force: true });
  });

  describe('an image of an index', () => {
    const amd = buildImage({ seed: 1, layers: [{}], platform: 'linux/amd64' });
    const arm = buildImage({ seed: 2, layers: [{}], platform: 'linux/arm64' });
    const index = buildIndex([amd, arm]);
    beforeAll(() => pushIndex(at('multi'), '1', index));

    it.each([
      ['amd64', amd],
      ['arm64', arm],
    ])('is chosen by its platform, and brings the index: %s', async (architecture, image) => {
      const platform = { os: 'linux', architecture };
      const opened = await openImage(`docker://${server.host}/multi:1`, { ...options, platform });
      const { manifest, index: found } = await opened.readMetadata(options);
      expect([manifest?.digest, found?.digest]).toEqual([image.manifest.digest, index.index.digest]);
      await opened.close();
    });

    it('is found by digest, whatever tag stands beside it', async () => {
      const text = `docker://${server.host}/multi:no-such-tag@${arm.manifest.digest}`;
      const opened = await openImage(text, options);
      expect(opened.platform.architecture).toBe('arm64');
      await opened.close();
    });

    it('is missed with the platforms there are, or with what to check', async () => {
      const platform = { os: 'linux', architecture: 's390x' };
      await expect(
        openImage(`docker://${server.host}/multi:1`, { ...options, platform }),
      ).rejects.toMatchObject({
        code: 'NOT_FOUND',
        hint: expect.stringContaining('linux/amd64, linux/arm64'),
      });
      await expect(openImage(`docker://${server.host}/multi:2`, options)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: `there is no image ${server.host}/multi:2 in the registry`,
      });
    });

    it('is written with its index where the rest of that is there, and else alone', async () => {
      const target = targetOf(amd, index.index);
      for (const [repository, id] of [
        ['multi', index.index.digest],
        ['alone', amd.manifest.digest],
      ] as const) {
        const { sink, names } = await openDestination(`docker://${server.host}/${repository}:new`, options);
        for (const position of await sink.begin(target)) {
          const { bytes } = amd.layers[position]!.blob;
          await sink.putLayer(
            position,
            (async function* () {
              yield bytes;
            })(),
          );
        }
        expect(await sink.commit(target, names)).toEqual({ id, names: [`${server.host}/${repository}:new`] });
        expect((await tagsOf(at(repository)))['new']).toBe(id);
      }
    });
  });

  describe('an update from registry to registry', () => {
    const shared = { tar: tarOf(10, 300_000) };
    const base = buildImage({ seed: 20, layers: [shared, { tar: tarOf(11, 200_000) }] });
    const target = buildImage({ seed: 30, layers: [shared, { tar: tarOf(12, 100_000) }] });
    const patch = join(tempDirectory, 'app.didiff');

    beforeAll(async () => {
      await pushImage(at('app'), '1', base);
      await pushImage(at('app'), '2', target);
      const from = await openImage(`docker://${server.host}/app:1`, options);
      const to = await openImage(`docker://${server.host}/app:2`, options);
      await createPatch(from, to, patch, options);
      await from.close();
      await to.close();
    });

    const apply = async (baseText: string, destination: string) => {
      const { reader } = await openPatch(patch);
      const { sink, names, close } = await openDestination(destination, { ...options, alsoAt: [baseText] });
      try {
        return await applyPatch(reader, () => openImage(baseText, options), sink, { ...options, names });
      } finally {
        close();
        await reader.close();
      }
    };

    it('ends with the same digest, and sends only what the repository lacks', async () => {
      await pushImage(at('copy'), '1', base);
      line.reset();
      const result = await apply(`docker://${line.host}/copy:1`, `docker://${line.host}/copy:2`);
      expect(result).toMatchObject({ id: target.manifest.digest, wasThere: false, writtenLayers: 1 });
      expect(await tagsOf(at('copy'))).toMatchObject({ '2': target.manifest.digest });
      expect(line.sentBytes()).toBeLessThan(target.layers[1]!.blob.bytes.length + 10_000);
      const again = await apply(`docker://${line.host}/copy:1`, `docker://${line.host}/copy:3`);
      expect(again).toMatchObject({ id: target.manifest.digest, wasThere: true });
      expect(await tagsOf(at('copy'))).toMatchObject({ '3': target.manifest.digest });
    });

    it("takes layers over from the base's repository instead of sending them", async () => {
      await pushImage(at('origin'), '1', base);
      line.reset();
      const result = await apply(`docker://${line.host}/origin:1`, `docker://${line.host}/elsewhere/app:2`);
      expect(result).toMatchObject({ id: target.manifest.digest, writtenLayers: 1 });
      expect(line.sentBytes()).toBeLessThan(target.layers[1]!.blob.bytes.length + 15_000);
    });

    it.runIf(hasSkopeo)('is read by skopeo with the digest of the original', async () => {
      await apply(`docker://${server.host}/app:1`, `docker://${server.host}/for-skopeo:2`);
      const raw = execFileSync('skopeo', [
        'inspect',
        '--raw',
        '--tls-verify=false',
        `docker://${server.host}/for-skopeo:2`,
      ]);
      expect(sha256(raw)).toBe(target.manifest.digest);
      const copy = `oci:${join(tempDirectory, 'copied')}:x`;
      const from = `docker://${server.host}/for-skopeo:2`;
      execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false', from, copy]);
    });

    it('gives only names of the repository it goes to, and says so before it begins', async () => {
      const tags = ['app:2'];
      await expect(
        openDestination(`docker://${server.host}/named:2`, { ...options, tags }),
      ).rejects.toMatchObject({ code: 'USAGE' });
      const { sink } = await openDestination(`docker://${server.host}/named:2`, options);
      const wanted = targetOf(target);
      for (const position of await sink.begin(wanted)) {
        const { bytes } = target.layers[position]!.blob;
        await sink.putLayer(
          position,
          (async function* () {
            yield bytes;
          })(),
        );
      }
      await expect(sink.commit(wanted, ['app:2'])).rejects.toMatchObject({
        code: 'USAGE',
        hint: `Write ${server.host}/named:TAG, or leave --tag out and put the tag behind the destination's name.`,
      });
      expect(await tagsOf(at('named'))).toEqual({});
    });
  });
});
