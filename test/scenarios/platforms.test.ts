/** Bundles: every platform of an index in one file, made and applied over the stores that are files. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  applyPart,
  applyWhole,
  checkWhole,
  choosePart,
  createBundle,
  findIndex,
  inspectBundle,
  openDestination,
  openImage,
  openPatchOrBundle,
  type Platform,
  parsePlatform,
} from '../../src/index.ts';
import type { FixtureIndex } from '../fixtures/images.ts';
import { writeOciArchive, writeOciLayout } from '../fixtures/oci-layout.ts';
import { expectImage, failureOf, openWorkshop } from '../fixtures/patching.ts';
import { releaseIndex, sharedLayer } from '../fixtures/platforms.ts';

const workshop = openWorkshop();
const options = { tempDirectory: workshop.tempDirectory };

function writeIndex(index: FixtureIndex, form: 'oci' | 'oci-archive' = 'oci'): string {
  const path = workshop.newPath(form === 'oci' ? 'layout' : 'layout.tar');
  if (form === 'oci') writeOciLayout(path, [{ index, ref: 'app' }]);
  else writeOciArchive(path, [{ index, ref: 'app' }]);
  return `${form}:${path}:app`;
}

async function makeBundle(base: string, target: string, path = workshop.newPath('app.didiff')) {
  const to = (await findIndex(target, options))!;
  const from = await findIndex(base, options);
  const image = from === undefined ? await openImage(base, options) : undefined;
  const open = async () => ({ ...image!, close: async () => {} });
  const bases = from ?? { name: base, images: [{ platform: image!.platform, open }] };
  try {
    const report = await createBundle(bases, to, path, { ...options, effort: 3 });
    return { path, report };
  } finally {
    await to.close();
    await from?.close();
    await image?.close();
  }
}

const openBaseOf = (base: string) => (wanted: { platform: Platform }) =>
  openImage(base, { ...options, platform: wanted.platform });

async function open(path: string) {
  const opened = await openPatchOrBundle(path);
  if (opened.kind !== 'bundle') throw new Error('no bundle was opened');
  return opened.bundle;
}

async function applyAll(path: string, base: string, to: string) {
  const bundle = await open(path);
  const { sink, names } = await openDestination(to, options);
  try {
    return await applyWhole(bundle, openBaseOf(base), sink, { ...options, names });
  } finally {
    await bundle.close();
  }
}

async function applyOne(path: string, base: string, to: string, platform: string) {
  const bundle = await open(path);
  const { sink, names } = await openDestination(to, options);
  try {
    const parts = await bundle.openParts();
    const part = choosePart(parts, parsePlatform(platform));
    return await applyPart(parts, part, openBaseOf(base), sink, { ...options, names: [...names, 'app:new'] });
  } finally {
    await bundle.close();
  }
}

/** Everything that the index names is there, attestations too, and the name leads to the index. */
async function expectIndex(reference: string, index: FixtureIndex): Promise<void> {
  for (const image of index.images) await expectImage(workshop, reference, image, index);
  const found = (await findIndex(reference, options))!;
  expect(found.index.digest).toBe(index.index.digest);
  expect(found.others.map(({ digest }) => digest)).toEqual(
    index.attestations.map(({ manifest }) => manifest.digest),
  );
  for (const { layers, config } of index.attestations)
    for (const { digest, bytes, mediaType } of [config, ...layers.map(({ blob }) => blob)]) {
      const blob = { digest, mediaType, sizeBytes: bytes.length, annotations: {} };
      expect((await found.openBlob(blob, options)).sizeBytes).toBe(bytes.length);
    }
  await found.close();
}

const [one, two] = [releaseIndex(1), releaseIndex(2)];
let made: Promise<{ base: string; path: string }> | undefined;

/** The bundle from the first release to the second, made once, with a layout of its own as base. */
async function usual(): Promise<{ base: string; path: string }> {
  made ??= (async () => {
    const base = writeIndex(one);
    return { base, path: (await makeBundle(base, writeIndex(two))).path };
  })();
  return { base: writeIndex(one), path: (await made).path };
}

describe('a bundle', () => {
  it.each(['oci', 'oci-archive'] as const)(
    'makes the whole index in an %s, digest for digest',
    async (form) => {
      const base = writeIndex(one, form);
      const { path } = await makeBundle(base, writeIndex(two, form));
      const to = `${form}:${workshop.newPath(form === 'oci' ? 'made' : 'made.tar')}:new`;
      const { id, names } = await applyAll(path, base, to);
      expect([id, names]).toEqual([two.index.digest, ['new']]);
      await expectIndex(to, two);
    },
  );

  it('has layers that platforms share once', async () => {
    const base = writeIndex(one);
    const { path, report } = await makeBundle(base, writeIndex(two));
    expect(report.shared).toMatchObject({ layers: 1 });
    // Each platform changes 9,000 bytes of its own, and 9,000 bytes and 30,000 of text come for all.
    expect(report.patchBytes).toBeLessThan(2 * 9_000 + 9_000 + 20_000);
    expect(readFileSync(path).length).toBe(report.patchBytes);
    const parts = report.platforms.reduce(
      (sum, { report: own }) => sum + own.patchBytes,
      report.shared!.patchBytes,
    );
    expect(report.patchBytes - parts - report.others.patchBytes).toBeLessThan(3_000);
    expect(report.patchBytes).toBeGreaterThan(parts);
    const apart = releaseIndex(2, undefined, (platform) =>
      sharedLayer(2, platform === 'linux/amd64' ? 5 : 6),
    );
    const other = await makeBundle(base, writeIndex(apart));
    expect(other.report.shared).toBeUndefined();
  });

  it('has layers apart where what they could be made from differs', async () => {
    // The same content at other times: the bases have no layer in common.
    const own = releaseIndex(1, undefined, (platform) => sharedLayer(1, platform === 'linux/amd64' ? 5 : 6));
    const { report } = await makeBundle(writeIndex(own), writeIndex(two));
    expect(report.shared).toBeUndefined();
  });

  it.each([
    ['docker-archive', 'linux/amd64'],
    ['docker-archive', 'linux/arm64'],
    ['oci', 'linux/arm64'],
    ['oci-archive', 'linux/amd64'],
  ] as const)('gives a %s the image for %s alone', async (form, platform) => {
    const { base, path } = await usual();
    const to = `${form}:${workshop.newPath('made')}`;
    await applyOne(path, base, to, platform);
    const image = two.images.find((each) => platform.endsWith(each.platform.architecture))!;
    await expectImage(workshop, to, image, form === 'docker-archive' ? undefined : two);
  });

  it('has a platform that the base lacks whole, and says so', async () => {
    const three = releaseIndex(2, ['linux/amd64', 'linux/arm/v7', 'linux/arm64']);
    const base = writeIndex(one);
    const { path, report } = await makeBundle(base, writeIndex(three));
    expect(report.platforms.map(({ platform, hasBase }) => [platform, hasBase])).toEqual([
      ['linux/amd64', true],
      ['linux/arm/v7', false],
      ['linux/arm64', true],
    ]);
    // It makes none of the others larger: what they share, they share without it.
    expect(report.shared!.patchBytes).toBeLessThan(25_000);
    const to = `oci:${workshop.newPath('made')}:new`;
    await applyAll(path, base, to);
    await expectIndex(to, three);
    const alone = `docker-archive:${workshop.newPath('made.tar')}`;
    await applyOne(path, base, alone, 'linux/arm/v7');
    await expectImage(workshop, alone, three.images[1]!);
  });

  it('starts from one image where that is all there is', async () => {
    const path = workshop.newPath('layout');
    writeOciLayout(path, [{ image: one.images[0]!, ref: 'app' }]);
    const base = `oci:${path}:app`;
    const made = await makeBundle(base, writeIndex(two));
    expect(made.report.platforms.map(({ hasBase }) => hasBase)).toEqual([true, false]);
    const to = `oci:${workshop.newPath('made')}:new`;
    await applyAll(made.path, base, to);
    await expectIndex(to, two);
  });

  it('is the same bytes each time', async () => {
    const [base, target] = [writeIndex(one), writeIndex(two)];
    const [a, b] = [await makeBundle(base, target), await makeBundle(base, target)];
    expect(readFileSync(a.path).equals(readFileSync(b.path))).toBe(true);
  });

  it('writes what a layout lacks, and only names what is there', async () => {
    const { base, path } = await usual();
    const to = base.replace(/app$/, 'new');
    // Layers of the base are there: each platform's first.
    expect((await applyAll(path, base, to)).writtenLayers).toBe(3);
    expect(await applyAll(path, base, to)).toMatchObject({ wasThere: true, writtenLayers: 0 });
    await expectIndex(to, two);
  });

  it('can be checked and inspected as a whole', async () => {
    const { base, path } = await usual();
    let bundle = await open(path);
    const { sink } = await openDestination(`oci:${workshop.newPath('made')}:new`, options);
    const checked = await checkWhole(bundle, openBaseOf(base), sink, options);
    expect(checked.wasThere).toBe(false);
    // The shared layer is made for the first that has it.
    expect(checked.platforms.map(({ provedLayers }) => provedLayers)).toEqual([3, 2]);
    await bundle.close();
    bundle = await open(path);
    const inspected = await inspectBundle(bundle, () => 0);
    expect(inspected).toMatchObject({
      target: { index: two.index.digest },
      platforms: [
        { platform: 'linux/amd64', manifest: two.images[0]!.manifest.digest, layers: 3, hasBase: true },
        { platform: 'linux/arm64', manifest: two.images[1]!.manifest.digest, layers: 3, hasBase: true },
      ],
      shared: { layers: 1 },
      others: { manifests: 2 },
    });
    await bundle.close();
  });

  it('is refused by stores that take no index, and for a platform that it lacks', async () => {
    const { base, path } = await usual();
    const archive = `docker-archive:${workshop.newPath('made.tar')}`;
    expect(await failureOf(applyAll(path, base, archive))).toMatchObject({ code: 'UNSUPPORTED' });
    expect(await failureOf(applyOne(path, base, archive, 'linux/s390x'))).toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining('linux/amd64, linux/arm64'),
    });
  });

  it('leaves the layout as it was when its base is another one', async () => {
    const { path } = await usual();
    const other = writeIndex(releaseIndex(7));
    const to = `oci:${workshop.newPath('made')}:new`;
    expect(await failureOf(applyAll(path, other, to))).toMatchObject({ code: 'BASE_MISMATCH' });
    expect(await failureOf(openImage(to, options))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is not made of an index that lacks an image', async () => {
    const path = workshop.newPath('layout');
    const [amd] = two.images;
    writeOciLayout(path, [{ index: { ...two, images: [amd!] }, ref: 'app' }]);
    expect(await failureOf(makeBundle(writeIndex(one), `oci:${path}:app`))).toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
