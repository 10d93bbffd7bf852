/** Layers for lazy pulling, eStargz and zstd:chunked, whose blobs have a structure of their own: exact all the same. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { buildEstargz } from '../deflate/estargz.ts';
import { openGoOracle } from '../deflate/go-oracle.ts';
import { run, testWith } from '../deflate/large-images.ts';
import { withBlob } from '../docs/patches.ts';
import { writeDockerArchive } from '../fixtures/docker-archive.ts';
import { buildImage } from '../fixtures/images.ts';
import type { TarEntrySpec } from '../fixtures/layer-tar.ts';
import {
  applyTo,
  expectImage,
  FILE_FORMS,
  makePatch,
  openWorkshop,
  writeFixture,
} from '../fixtures/patching.ts';
import { seededBytes, seededText } from '../fixtures/random.ts';
import { file, layer } from './scenario.ts';

const workshop = openWorkshop();
const CHANGED = [3, 17, 40];

/** Files of text and of noise, some of them of several chunks; a release changes a few and adds one. */
function files(release: 0 | 1): readonly TarEntrySpec[] {
  const made = Array.from({ length: 60 }, (_, at) => {
    const seed = 500 + at + (release === 1 && CHANGED.includes(at) ? 100 : 0);
    const bytes = at % 20 === 3 ? seededBytes(seed, 30_000) : seededText(seed, 400 + at * 150);
    return file(`srv/${String(at).padStart(2, '0')}`, bytes);
  });
  const added = file('srv/new', seededText(700, 2000));
  return [{ name: 'srv/', type: '5', mode: 0o755 }, ...made, ...(release === 0 ? [] : [added])];
}

describe('an eStargz layer', () => {
  const go = openGoOracle('compress/gzip');
  afterAll(() => go?.close());

  test.skipIf(go === undefined)('comes back exactly, members, table of contents and footer', async () => {
    const image = (release: 0 | 1) => {
      const { tar, blob } = buildEstargz(go!, files(release), 8192);
      const plain = buildImage({ seed: 3, label: `${release}`, layers: [{ tar }] });
      return { image: withBlob(plain, 0, blob), blob };
    };
    const [old, next] = [image(0), image(1)];
    const path = workshop.newPath('patch');
    const base = writeFixture(workshop, 'oci', old.image);
    const report = await makePatch(workshop, base, writeFixture(workshop, 'oci', next.image), path);
    const { blob } = report.layers[0]!;
    expect(blob).toMatchObject({ source: 'recipe', correctionsBytes: 0 });
    expect(blob!.encoder).toMatch(/^Go .*, level 9$/);
    // Some four events a file, packed.
    expect(blob!.recipeBytes).toBeLessThan(8 * files(1).length);
    for (const form of FILE_FORMS) {
      const destination = `${form}:${workshop.newPath('result')}:app:2`;
      await applyTo(workshop, path, writeFixture(workshop, 'docker-archive', old.image), destination);
      await expectImage(workshop, destination, next.image);
    }
  });
});

describe('a zstd:chunked layer, as skopeo makes it', () => {
  testWith(
    ['skopeo'],
    'is copied from the frames of the base, and ends with the same manifest digest',
    async () => {
      const chunked = (release: 0 | 1): string => {
        const image = buildImage({ seed: 4, label: `${release}`, layers: [layer(...files(release))] });
        const archive = workshop.newPath('image.tar');
        writeDockerArchive(archive, [{ image, names: ['app:1'] }], 'legacy');
        const layout = workshop.newPath('layout');
        const how = ['--dest-compress', '--dest-compress-format', 'zstd:chunked'];
        run('skopeo', 'copy', ...how, `docker-archive:${archive}`, `oci:${layout}:app`);
        return `oci:${layout}:app`;
      };
      const [base, target] = [chunked(0), chunked(1)];
      const path = workshop.newPath('patch');
      const report = await makePatch(workshop, base, target, path);
      const { blob } = report.layers[0]!;
      expect(blob).toMatchObject({ source: 'copies', compression: 'zstd' });
      expect(report.needsBaseBlobs).toBe(true);
      // The three files that changed and the one that is new are 32 kB of noise and 8 kB of text; the table of contents is new.
      expect(readFileSync(path).length).toBeLessThan(0.7 * blob!.sizeBytes);
      const result = `oci:${workshop.newPath('result')}:app`;
      const { id } = await applyTo(workshop, path, base, result);
      expect(id).toBe(manifestDigest(target));
      expect(manifestDigest(result)).toBe(id);
      expect(JSON.parse(inspect(result)).Digest).toBe(id);
    },
  );
});

function inspect(image: string, ...options: readonly string[]): string {
  return execFileSync('skopeo', ['inspect', ...options, image], { encoding: 'utf8' });
}

function manifestDigest(image: string): string {
  return `sha256:${createHash('sha256').update(inspect(image, '--raw')).digest('hex')}`;
}

describe('what makes blobs exact', () => {
  const go = openGoOracle('compress/gzip');
  afterAll(() => go?.close());

  test.skipIf(go === undefined)('costs less than 1 KB a layer where encoders are known', async () => {
    const image = (release: 0 | 1) => {
      const contents = [files(release), files(0), files(release).slice(0, 30)];
      const plain = buildImage({
        seed: 5,
        label: `${release}`,
        layers: contents.map((each) => layer(...each)),
      });
      return plain.layers.reduce(
        (made, { tar }, at) => withBlob(made, at, go!.gzip(tar, at === 2 ? 1 : 6, [tar.length])),
        plain,
      );
    };
    const [base, target] = [writeFixture(workshop, 'oci', image(0)), writeFixture(workshop, 'oci', image(1))];
    const sizes = await Promise.all(
      [{}, { blobs: false }].map(async (more) => {
        const { patchBytes } = await makePatch(workshop, base, target, workshop.newPath('patch'), more);
        return patchBytes;
      }),
    );
    expect(sizes[0]! - sizes[1]!).toBeGreaterThan(0);
    expect(sizes[0]! - sizes[1]!).toBeLessThan(3 * 100);
  });
});
