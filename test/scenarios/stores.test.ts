/** One update through every combination of stores, platforms and options: what is exact, what is refused, what is kept. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { synthesiseManifest } from '../../src/image/manifest.ts';
import { OCI_INDEX } from '../../src/image/media-types.ts';
import { createPatch, DidiffError, openImage, type Platform } from '../../src/index.ts';
import { writeDockerArchive } from '../fixtures/docker-archive.ts';
import { buildImage, buildIndex, descriptor, json } from '../fixtures/images.ts';
import { ociLayoutFiles, writeFiles, writeOciLayout } from '../fixtures/oci-layout.ts';
import {
  applyTo,
  expectBytes,
  expectImage,
  FILE_FORMS,
  FIXTURE_NAME,
  failureOf,
  makePatch,
  openWorkshop,
  writeFixture,
} from '../fixtures/patching.ts';

const workshop = openWorkshop();
const options = { tempDirectory: workshop.tempDirectory };
const SHARED = { seed: 50, files: 20, fileBytes: 4000 };
const BASE = buildImage({ seed: 50, layers: [SHARED, { seed: 51 }] });
const TARGET = buildImage({
  seed: 50,
  layers: [SHARED, { seed: 51, variant: 1 }, { seed: 52, compression: 'zstd' }],
});

async function patchBetween(base: string, target: string, more = {}): Promise<string> {
  const patch = workshop.newPath('patch');
  await makePatch(workshop, base, target, patch, more);
  return patch;
}

describe.each(FILE_FORMS)('a base in %s', (baseForm) => {
  test.each(FILE_FORMS)('gives the target in %s', async (form) => {
    const made = writeFixture(workshop, 'oci', BASE);
    const patch = await patchBetween(made, writeFixture(workshop, 'oci-archive', TARGET));
    const destination = `${form}:${workshop.newPath('result')}:team/app:2`;
    // A docker-archive has the layers, but not as they were compressed: for the shared one there is a recipe.
    const { names } = await applyTo(workshop, patch, writeFixture(workshop, baseForm, BASE), destination);
    expect(names).toEqual(['team/app:2']);
    await expectImage(workshop, destination, TARGET);
  });
});

describe('a target without a registry manifest', () => {
  test('keeps its image ID, and gets one manifest wherever a store wants one', async () => {
    const path = workshop.newPath('target.tar');
    writeDockerArchive(path, [{ image: TARGET, names: [FIXTURE_NAME] }], 'legacy');
    const base = writeFixture(workshop, 'docker-archive', BASE);
    const patch = await patchBetween(base, `docker-archive:${path}`);
    const layers = TARGET.layers.map(({ diffId, tar }) => ({ diffId, sizeBytes: tar.length }));
    const manifest = synthesiseManifest(TARGET.config.bytes, layers);
    for (const form of FILE_FORMS) {
      const destination = `${form}:${workshop.newPath('result')}:team/app:2`;
      const { id } = await applyTo(workshop, patch, base, destination);
      expect(id).toBe(form === 'docker-archive' ? TARGET.config.digest : manifest.digest);
      const image = await openImage(destination, options);
      expect(image.diffIds).toEqual(TARGET.layers.map(({ diffId }) => diffId));
      const metadata = await image.readMetadata(options);
      expectBytes(metadata.config.bytes, TARGET.config.bytes, 'config');
      await image.openTars([0, 1, 2], options);
      await image.close();
    }
  });
});

describe('an index with platforms and attestations', () => {
  const ARM_BASE = buildImage({ seed: 60, platform: 'linux/arm64/v8', layers: [{ files: 5 }] });
  const ARM = buildImage({ seed: 60, platform: 'linux/arm64/v8', layers: [{ files: 5, variant: 1 }] });
  const before = buildIndex([BASE, ARM_BASE]);
  const after = buildIndex([TARGET, ARM]);
  const arm: Platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };

  test.each(['oci', 'oci-archive'] as const)(
    'comes out in %s with the platform that was asked for',
    async (form) => {
      const base = writeFixture(workshop, 'oci', ARM_BASE, before);
      const target = writeFixture(workshop, 'oci', ARM, after);
      const patch = await patchBetween(base, target, { platform: arm });
      const destination = `${form}:${workshop.newPath('result')}:app`;
      await applyTo(workshop, patch, base, destination, { platform: arm } as object);
      await expectImage(workshop, destination, ARM, after);
    },
  );

  test('without asking, it is the platform of this machine', async () => {
    const local = { arm64: 'linux/arm64/v8', x64: 'linux/amd64' }[process.arch as 'arm64'] ?? 'linux/amd64';
    const image = await openImage(writeFixture(workshop, 'oci', TARGET, after), options);
    expect(image.platform).toEqual(local === 'linux/amd64' ? TARGET.platform : ARM.platform);
    await image.close();
  });

  test('within another index is refused: a patch carries one', async () => {
    const inner = buildIndex([TARGET]);
    const outer = json(OCI_INDEX, {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [descriptor(inner.index)],
    });
    const path = workshop.newPath('layout');
    const entry = { index: { ...inner, index: outer }, ref: 'nested' };
    const files = ociLayoutFiles([entry, { index: inner, ref: 'inner' }]);
    writeFiles(path, files);
    const base = writeFixture(workshop, 'oci', BASE);
    const patch = workshop.newPath('patch');
    const error = await failureOf(makePatch(workshop, base, `oci:${path}:nested`, patch));
    expect(error).toMatchObject({
      code: 'UNSUPPORTED',
      hint: expect.stringContaining(TARGET.manifest.digest),
    });
    expect(existsSync(patch)).toBe(false);
    await makePatch(workshop, base, `oci:${path}:inner`, patch);
  });

  test('images of different platforms are refused as a pair', async () => {
    const base = await openImage(writeFixture(workshop, 'oci', BASE), options);
    const target = await openImage(writeFixture(workshop, 'oci', ARM), options);
    const path = workshop.newPath('patch');
    const error = await failureOf(createPatch(base, target, path, options));
    expect(error).toMatchObject({ code: 'USAGE' });
    expect(String(error)).toMatch(/linux\/amd64.*linux\/arm64/s);
    expect(existsSync(path)).toBe(false);
    await target.close();
    await base.close();
  });
});

describe('a patch without blobs', () => {
  const CARRYING = buildImage({ seed: 70, layers: [{ variant: 1, compression: 'zstd' }] });
  const CARRIED_BASE = buildImage({ seed: 70, layers: [{ compression: 'zstd' }] });

  test('is smaller by what is carried, and makes the image of a docker-archive', async () => {
    const base = writeFixture(workshop, 'oci', CARRIED_BASE);
    const target = writeFixture(workshop, 'oci', CARRYING);
    const whole = await patchBetween(base, target, { baseBlobs: false });
    const small = await patchBetween(base, target, { blobs: false });
    expect(readFileSync(whole).length).toBeGreaterThan(CARRYING.layers[0]!.blob.bytes.length);
    expect(readFileSync(small).length).toBeLessThan(readFileSync(whole).length / 5);
    const destination = `docker-archive:${workshop.newPath('result.tar')}`;
    expect((await applyTo(workshop, small, base, destination)).id).toBe(CARRYING.config.digest);
    await expectImage(workshop, destination, CARRYING);
  });

  test.each(['oci', 'oci-archive'] as const)(
    'is refused for %s, which it can not be exact for',
    async (form) => {
      const base = writeFixture(workshop, 'oci', CARRIED_BASE);
      const patch = await patchBetween(base, writeFixture(workshop, 'oci', CARRYING), { blobs: false });
      const path = workshop.newPath('result');
      const error = await failureOf(applyTo(workshop, patch, base, `${form}:${path}`));
      expect(error).toBeInstanceOf(DidiffError);
      expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('--no-blobs') });
      expect((error as DidiffError).hint).toMatch(/docker-archive/);
      expect(existsSync(path)).toBe(false);
    },
  );
});

describe('an OCI layout that has images already', () => {
  test('keeps them, and is written only the layers it lacks', async () => {
    const directory = workshop.newPath('layout');
    writeOciLayout(directory, [{ image: BASE, ref: 'base' }]);
    const base = `oci:${directory}:base`;
    const patch = await patchBetween(base, writeFixture(workshop, 'oci', TARGET));
    const result = await applyTo(workshop, patch, base, `oci:${directory}:target`);
    expect(result).toMatchObject({ wasThere: false, writtenLayers: 2, names: ['target'] });
    await expectImage(workshop, base, BASE);
    await expectImage(workshop, `oci:${directory}:target`, TARGET);
  });

  test('of which the target is one: says so, names it, and reads no base', async () => {
    const directory = workshop.newPath('layout');
    writeOciLayout(directory, [{ image: TARGET, ref: 'target' }]);
    const blobs = readdirSync(join(directory, 'blobs', 'sha256'));
    const patch = await patchBetween(
      writeFixture(workshop, 'oci', BASE),
      writeFixture(workshop, 'oci', TARGET),
    );
    const result = await applyTo(workshop, patch, 'oci:/there/is/no/base', `oci:${directory}`, {
      names: ['again:1'],
    });
    expect(result).toMatchObject({ wasThere: true, writtenLayers: 0, id: TARGET.manifest.digest });
    await expectImage(workshop, `oci:${directory}:again:1`, TARGET);
    expect(readdirSync(join(directory, 'blobs', 'sha256'))).toEqual(blobs);
  });
});
