/** Blobs that no recipe makes, put together of the base's own: what that saves, and what it asks of receivers. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inspectPatch } from '../../src/index.ts';
import { withBlob } from '../docs/patches.ts';
import { buildImage, type FixtureImage, storeAsZstd } from '../fixtures/images.ts';
import {
  applyTo,
  expectImage,
  FILE_FORMS,
  failureOf,
  makePatch,
  openReader,
  openWorkshop,
  writeFixture,
} from '../fixtures/patching.ts';
import { seededBytes } from '../fixtures/random.ts';
import { file, layer } from './scenario.ts';

const workshop = openWorkshop();
const FILES = Array.from({ length: 40 }, (_, at) => seededBytes(900 + at, 3000));
const content = (changed: readonly number[]) =>
  layer(
    ...FILES.map((bytes, at) => file(`data/${at}`, changed.includes(at) ? seededBytes(at, 2500) : bytes)),
  );

/** One frame for each 10 kB, so that equal stretches give equal frames, as in zstd:chunked. */
function inFrames(tar: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < tar.length; at += 10_000) parts.push(storeAsZstd(tar.subarray(at, at + 10_000)));
  return Buffer.concat(parts);
}

function image(label: string, changed: readonly number[]): FixtureImage {
  const plain = buildImage({ seed: 90, label, layers: [{ seed: 91 }, content(changed)] });
  return withBlob(plain, 1, inFrames(plain.layers[1]!.tar));
}

const BASE = image('base', []);
const TARGET = image('target', [7, 8, 30]);
const NOTHING_ALIKE = image(
  'other',
  FILES.map((_, at) => at),
);

async function patchFrom(base: string, target: FixtureImage, more = {}) {
  const path = workshop.newPath('patch');
  const report = await makePatch(workshop, base, writeFixture(workshop, 'oci', target), path, more);
  return { path, report, bytes: readFileSync(path).length };
}

describe('a blob of which most stands in the blobs of the base', () => {
  test('is copied from those, which the patch says', async () => {
    const { path, report, bytes } = await patchFrom(writeFixture(workshop, 'oci', BASE), TARGET);
    const { sizeBytes, ...blob } = report.layers[1]!.blob!;
    expect(blob).toMatchObject({ source: 'copies', compression: 'zstd' });
    expect(blob.copiedBytes).toBeGreaterThan(0.8 * sizeBytes);
    // Three files of 2500 bytes of noise, once in the tar and once in the blob, where they take some around them along.
    expect(bytes).toBeLessThan(0.25 * sizeBytes);
    expect(report).toMatchObject({ needsBaseBlobs: true, exactManifest: true });
    const reader = await openReader(path);
    const inspection = await inspectPatch(reader, () => bytes);
    expect(inspection.needs.baseBlobs).toBe(true);
    expect(inspection.target.layers[1]!.blob).toMatchObject({
      from: 'copies',
      copiedBytes: blob.copiedBytes,
    });
    await reader.close();
  });

  test.each(FILE_FORMS)('comes out in %s where the base has its blobs', async (form) => {
    const { path } = await patchFrom(writeFixture(workshop, 'oci', BASE), TARGET);
    const destination = `${form}:${workshop.newPath('result')}:team/app:2`;
    await applyTo(workshop, path, writeFixture(workshop, 'oci-archive', BASE), destination);
    await expectImage(workshop, destination, TARGET);
  });

  test('is refused to a store of blobs where the base has none; other stores take it', async () => {
    const { path } = await patchFrom(writeFixture(workshop, 'oci', BASE), TARGET);
    const base = writeFixture(workshop, 'docker-archive', BASE);
    const refused = workshop.newPath('layout');
    expect(await failureOf(applyTo(workshop, path, base, `oci:${refused}`))).toMatchObject({
      code: 'BASE_MISMATCH',
      message: expect.stringContaining('does not have the compressed layer'),
      hint: expect.stringContaining('--no-base-blobs'),
    });
    expect(existsSync(refused)).toBe(false);
    const destination = `docker-archive:${workshop.newPath('result.tar')}`;
    await applyTo(workshop, path, base, destination);
    await expectImage(workshop, destination, TARGET);
  });

  test.each([
    ['the maker says so', 'oci', { baseBlobs: false }],
    ['the base is of a store that keeps no blobs', 'docker-archive', {}],
  ] as const)('is carried when %s, and so comes out everywhere', async (_, form, more) => {
    const { path, report } = await patchFrom(writeFixture(workshop, form, BASE), TARGET, more);
    expect(report.layers[1]!.blob).toMatchObject({ source: 'carried' });
    expect(report.needsBaseBlobs).toBe(false);
    const destination = `oci:${workshop.newPath('result')}:team/app:2`;
    await applyTo(workshop, path, writeFixture(workshop, 'docker-archive', BASE), destination);
    await expectImage(workshop, destination, TARGET);
  });
});

test('a blob is carried when copies of it and the delta of its tar would cost more', async () => {
  const { report } = await patchFrom(writeFixture(workshop, 'oci', BASE), NOTHING_ALIKE);
  expect(report.layers[1]).toMatchObject({ how: 'blob', blob: { source: 'carried' } });
});

describe('a layer of the base, compressed as no recipe can', () => {
  const same = (label: string) => {
    const plain = buildImage({ seed: 90, label, layers: [content([]), { seed: 92, variant: label.length }] });
    return withBlob(plain, 0, inFrames(plain.layers[0]!.tar));
  };

  test('is taken over from a base that has the blob, and else only where tars are kept', async () => {
    const [base, target] = [same('base'), same('target')];
    const { path, report } = await patchFrom(writeFixture(workshop, 'oci', base), target);
    expect(report.layers[0]).toMatchObject({ how: 'base', patchBytes: 0, blob: { source: 'base' } });
    expect(report.needsBaseBlobs).toBe(true);
    const archive = writeFixture(workshop, 'docker-archive', base);
    const refused = applyTo(workshop, path, archive, `oci:${workshop.newPath('layout')}`);
    expect(await failureOf(refused)).toMatchObject({ code: 'BASE_MISMATCH' });
  });

  test('with another blob in the target is copied where the blobs are alike', async () => {
    const base = same('base');
    const target = withBlob(
      base,
      0,
      Buffer.concat([Buffer.from('502a4d1804000000abcdabcd', 'hex'), inFrames(base.layers[0]!.tar)]),
    );
    const { path, report } = await patchFrom(writeFixture(workshop, 'oci', base), target);
    expect(report.layers[0]).toMatchObject({ how: 'base', blob: { source: 'copies' } });
    expect(report.layers[0]!.patchBytes).toBeLessThan(40);
    const destination = `oci:${workshop.newPath('result')}:team/app:2`;
    await applyTo(workshop, path, writeFixture(workshop, 'oci-archive', base), destination);
    await expectImage(workshop, destination, target);
  });
});

test('a shared layer whose encoder is known costs a recipe, and then needs no blobs of the base', async () => {
  const shared = { seed: 95, files: 20, fileBytes: 4000 };
  const build = (label: string) =>
    buildImage({ seed: 95, label, layers: [shared, { seed: 96, variant: label.length }] });
  const { path, report } = await patchFrom(writeFixture(workshop, 'oci', build('base')), build('target'));
  expect(report.layers[0]).toMatchObject({ how: 'base', blob: { source: 'recipe' } });
  expect(report.layers[0]!.patchBytes).toBeLessThanOrEqual(30);
  expect(report.needsBaseBlobs).toBe(false);
  const destination = `oci-archive:${workshop.newPath('result')}:team/app:2`;
  await applyTo(workshop, path, writeFixture(workshop, 'docker-archive', build('base')), destination);
  await expectImage(workshop, destination, build('target'));
});
