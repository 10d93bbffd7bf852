/** Whole indexes from registry to registry by one file, and the patch of each platform beside its image. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/bytes/digest.ts';
import { readParts } from '../../src/fleet/parts.ts';
import { findArtifact, findPatches, openRepository } from '../../src/index.ts';
import { openAnyPatch } from '../../src/patch/bundle.ts';
import { buildProgram } from '../fixtures/built-program.ts';
import { writeOciLayout } from '../fixtures/oci-layout.ts';
import { releaseIndex } from '../fixtures/platforms.ts';
import { type BadLine, startBadLine } from './bad-line.ts';
import { pushIndex, tagsOf } from './push.ts';
import { type RunningRegistry, startRegistry } from './server.ts';
import { describeRegistry } from './suite.ts';

describeRegistry('all platforms of an index', () => {
  const hasSkopeo = spawnSync('skopeo', ['--version']).status === 0;
  const directory = mkdtempSync(join(tmpdir(), 'didiff-platforms-'));
  const [one, two] = [releaseIndex(1), releaseIndex(2)];
  const bundle = join(directory, 'app.didiff');
  const program = buildProgram();
  let server: RunningRegistry;
  let line: BadLine;

  const at = (repository: string) => ({ root: `http://${server.host}`, repository });
  const open = (repository: string) =>
    openRepository({ registry: server.host, repository }, { plainHttp: true, env: {} });
  const skopeo = (...words: string[]) => execFileSync('skopeo', ['--insecure-policy', ...words]);

  /** Fails unless it succeeds; gives its result. */
  async function run(...words: string[]) {
    const { code, stdout, stderr } = await program.run([...words, '--json', '--plain-http']);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  }

  beforeAll(async () => {
    server = await startRegistry();
    line = await startBadLine(server.port);
    await pushIndex(at('app'), '1', one);
    await pushIndex(at('app'), '2', two);
    const images = [1, 2].map((tag) => `docker://${server.host}/app:${tag}`);
    await run('create', images[0]!, images[1]!, bundle, '--all-platforms', '--effort', '3');
  }, 120_000);
  afterAll(async () => {
    await line.stop();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('come out of one file in another repository, digest for digest', async () => {
    await pushIndex(at('copy'), '1', one);
    const words = ['apply', bundle, '--all-platforms', '--base', `docker://${server.host}/copy:1`];
    const result = await run(...words, '--to', `docker://${server.host}/copy:2`);
    expect(result).toMatchObject({ id: two.index.digest, wasThere: false, writtenLayers: 3 });
    expect((await tagsOf(at('copy')))['2']).toBe(two.index.digest);
    expect(await run(...words, '--to', `docker://${server.host}/copy:3`)).toMatchObject({
      id: two.index.digest,
      wasThere: true,
    });
    const repository = open('copy');
    for (const { manifest } of [...two.images, ...two.attestations])
      expect((await repository.findManifest(manifest.digest))?.document.bytes).toEqual(
        Buffer.from(manifest.bytes),
      );
    repository.close();
  });

  it.runIf(hasSkopeo)('are for skopeo what they were, in a registry and in a layout', async () => {
    await pushIndex(at('read'), '1', one);
    const words = ['apply', bundle, '--all-platforms', '--base', `docker://${server.host}/read:1`];
    await run(...words, '--to', `docker://${server.host}/read:2`);
    await run(...words, '--to', `oci:${directory}/made:2`);
    await run(...words, '--to', `oci-archive:${directory}/made.tar:2`);
    const raw = (...name: string[]) => sha256(skopeo('inspect', '--raw', ...name));
    expect(raw('--tls-verify=false', `docker://${server.host}/read:2`)).toBe(two.index.digest);
    expect(raw(`oci:${directory}/made:2`)).toBe(two.index.digest);
    expect(raw(`oci-archive:${directory}/made.tar:2`)).toBe(two.index.digest);
    // It reads and proves every blob of every manifest on its way.
    const copy = ['copy', '-q', '--all', '--preserve-digests'];
    skopeo(...copy, '--src-tls-verify=false', `docker://${server.host}/read:2`, `oci:${directory}/again:2`);
    skopeo(
      ...copy,
      '--dest-tls-verify=false',
      `oci:${directory}/made:2`,
      `docker://${server.host}/from-layout:2`,
    );
    skopeo(
      ...copy,
      '--dest-tls-verify=false',
      `oci-archive:${directory}/made.tar:2`,
      `docker://${server.host}/from-archive:2`,
    );
    for (const repository of ['from-layout', 'from-archive'])
      expect((await tagsOf(at(repository)))['2']).toBe(two.index.digest);
    expect(raw(`oci:${directory}/again:2`)).toBe(two.index.digest);
  });

  it('name the index last: what is cut before leaves no tag', async () => {
    await pushIndex(at('cut'), '1', one);
    line.set({ cutSentAfterBytes: 6_000 });
    const words = ['apply', bundle, '--all-platforms', '--base', `docker://${server.host}/cut:1`];
    const { code } = await program.run([...words, '--to', `docker://${line.host}/cut:2`, '--plain-http']);
    line.set({});
    expect(code).not.toBe(0);
    expect(Object.keys(await tagsOf(at('cut')))).toEqual(['1']);
    await run(...words, '--to', `docker://${line.host}/cut:2`);
    expect((await tagsOf(at('cut')))['2']).toBe(two.index.digest);
  });

  describe('pushed', () => {
    const layout = join(directory, 'base');
    beforeAll(async () => {
      writeOciLayout(layout, [{ index: one, ref: 'app' }]);
      const { platforms } = await run(
        'push',
        bundle,
        `${server.host}/app`,
        '--base',
        `docker://${server.host}/app:1`,
      );
      expect(platforms.map((each: { platform: string }) => each.platform)).toEqual([
        'linux/amd64',
        'linux/arm64',
      ]);
    });

    it('are a patch beside each image, with what they share stored once', async () => {
      const repository = open('app');
      const digests: string[][] = [];
      for (const [position, image] of two.images.entries()) {
        const [entry, ...others] = await findPatches(repository, image.manifest.digest, {});
        expect(others).toEqual([]);
        expect(entry!.description.base.manifest).toBe(one.images[position]!.manifest.digest);
        expect(entry!.description.requires).toContain('platforms-1');
        const ids = one.images[position]!.layers.map(({ diffId }) => diffId);
        // Layers of the shared part are none that a receiver has to have.
        for (const { diffId } of entry!.description.base.layers) expect(ids).toContain(diffId);
        const artifact = await findArtifact(repository, entry!.digest, {});
        digests.push(artifact.parts.map(({ digest }) => digest));
        const pieces: Uint8Array[] = [];
        for await (const piece of readParts(repository, artifact, {})) pieces.push(piece);
        writeFileSync(join(directory, `${position}.didiff`), Buffer.concat(pieces));
      }
      expect(digests[0]!.filter((digest) => digests[1]!.includes(digest))).toHaveLength(1);
      repository.close();
    });

    it.each(['linux/amd64', 'linux/arm64'])(
      'pull takes the one for %s, and no byte of the other',
      async (platform) => {
        const to = `oci:${directory}/pulled-${platform.slice(6)}:2`;
        line.reset();
        const words = [
          'pull',
          `${line.host}/app:2`,
          '--platform',
          platform,
          '--base',
          `oci:${layout}:app`,
          '--to',
          to,
        ];
        const result = await run(...words, '--cache-dir', join(directory, 'cache'));
        const position = platform.endsWith('amd64') ? 0 : 1;
        expect(result).toMatchObject({ id: two.images[position]!.manifest.digest, writtenLayers: 3 });
        const own = readFileSync(join(directory, `${position}.didiff`)).length;
        expect([result.patches.length, result.fetchedBytes]).toEqual([1, own]);
        expect(line.receivedBytes()).toBeLessThan(own + 20_000);
        expect(own).toBeLessThan(readFileSync(bundle).length);
      },
    );

    it('what is in the registry is a bundle of one platform, which is applied alone', async () => {
      const path = join(directory, '1.didiff');
      const opened = await openAnyPatch(
        (async function* () {
          yield readFileSync(path);
        })(),
      );
      expect(opened.kind === 'bundle' && opened.bundle.isWhole).toBe(false);
      const words = [
        'apply',
        path,
        '--base',
        `oci:${layout}:app`,
        '--to',
        `docker-archive:${directory}/arm.tar`,
      ];
      expect(await run(...words, '--platform', 'linux/arm64')).toMatchObject({
        id: two.images[1]!.config.digest,
      });
      const all = [...words.slice(0, -1), `oci:${directory}/none:2`, '--all-platforms'];
      expect(await program.run(all)).toMatchObject({
        code: 8,
        stderr: expect.stringContaining('only some of the images'),
      });
    });

    it('are not put there twice, and mirrored with the index', async () => {
      const { platforms } = await run(
        'push',
        bundle,
        `${server.host}/app`,
        '--base',
        `docker://${server.host}/app:1`,
      );
      expect(platforms.map((each: { wasThere: boolean }) => each.wasThere)).toEqual([true, true]);
      const { digest, patches } = await run('mirror', `${server.host}/app:2`, `${server.host}/mirror`);
      expect([digest, patches.length]).toEqual([two.index.digest, 2]);
    });
  });
});
