/** `inspect` with a base: what each file of a patch is said to cost and to be made of, and that nothing is left out. */
import { describe, expect, it } from 'vitest';
import {
  adviseOnPatch,
  createPatch,
  type InspectedFile,
  type Inspection,
  inspectPatch,
  onlyLayer,
  openImage,
  openPatch,
} from '../../src/index.ts';
import { archiveFiles } from '../fixtures/archives.ts';
import { buildImage, type FixtureImage, type LayerSpec } from '../fixtures/images.ts';
import { buildTar, type TarEntrySpec } from '../fixtures/layer-tar.ts';
import { failureOf, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { seededBytes, seededText } from '../fixtures/random.ts';
import { programVersions } from '../predict/versions.ts';

const workshop = openWorkshop();
const realImages = process.env['DIDIFF_IMAGES'];
const options = { tempDirectory: workshop.tempDirectory };

/** Makes the patch between two references, and explains it with `explainedBy` as its base. */
async function inspectBetween(base: string, target: string, explainedBy = base): Promise<Inspection> {
  const path = workshop.newPath('patch');
  const images = await Promise.all([base, target, explainedBy].map((name) => openImage(name, options)));
  try {
    await createPatch(images[0]!, images[1]!, path, options);
    const { reader, readBytes } = await openPatch(path);
    try {
      return await inspectPatch(reader, readBytes, { ...options, base: images[2]! });
    } finally {
      await reader.close();
    }
  } finally {
    for (const image of images) await image.close();
  }
}

async function inspectFixtures(base: FixtureImage, target: FixtureImage): Promise<Inspection> {
  const write = (image: FixtureImage) => writeFixture(workshop, 'oci', image);
  return await inspectBetween(write(base), write(target));
}

/** All bytes of the patch are somewhere, once. */
function expectWhole({ patchBytes, target, streams, files }: Inspection): void {
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const { shares, entries } = files!;
  expect(sum(Object.values(shares))).toBe(patchBytes);
  expect(sum(Object.values(streams))).toBe(patchBytes);
  expect(sum(entries.map((entry) => entry.patchBytes))).toBe(shares.contents + shares.tarHeaders);
  expect(sum(entries.map((entry) => entry.headerBytes))).toBe(shares.tarHeaders);
  expect(Math.min(...Object.values(shares), ...entries.map((entry) => entry.headerBytes), 0)).toBe(0);
  for (const { position, patchBytes: ofLayer, streams: ofStreams } of target.layers) {
    const inside = sum(entries.filter(({ layer }) => layer === position).map((entry) => entry.patchBytes));
    expect(inside).toBeLessThanOrEqual(ofLayer);
    expect(sum(Object.values(ofStreams))).toBe(ofLayer);
  }
  for (const [at, entry] of entries.entries())
    expect(entry.patchBytes).toBeLessThanOrEqual(entries[at - 1]?.patchBytes ?? Infinity);
}

const file = (name: string, content: Uint8Array, more: Partial<TarEntrySpec> = {}): TarEntrySpec => ({
  name,
  type: '0',
  mtimeSeconds: 1_700_000_000,
  content,
  ...more,
});
const layer = (entries: readonly TarEntrySpec[]): LayerSpec => ({ tar: buildTar(entries) });
const noise = seededBytes(1, 60_000);
const page = seededText(2, 30_000);
const [oldProgram, newProgram] = programVersions('x86-64');

/** One file for each way to be made. */
function everyWay(release: 0 | 1): FixtureImage {
  const edited = noise.map((byte, at) => (release === 1 && at % 5000 === 77 ? byte + 1 : byte));
  const war = archiveFiles(release).find(({ name }) => name === 'app.war')!;
  return buildImage({
    seed: 3,
    layers: [
      layer([
        { name: 'app/', type: '5', mode: 0o755, mtimeSeconds: release },
        file('app/same', page, { mtimeSeconds: release }),
        file(release === 0 ? 'app/here' : './app/there', seededBytes(4, 3000)),
        file('app/edited', edited),
        file('app/tool', release === 0 ? oldProgram : newProgram),
        file('app/app.war', war.content),
        { name: 'app/link', type: '2', linkTarget: 'same' },
        file('app/empty', new Uint8Array(0)),
        ...(release === 0 ? [] : [file('app/new', seededBytes(5, 4000))]),
      ]),
    ],
  });
}

describe('the files of a patch', () => {
  it('are told by how they are made, and from what', async () => {
    const inspection = await inspectFixtures(everyWay(0), everyWay(1));
    expectWhole(inspection);
    const { entries } = inspection.files!;
    const shown = ({ path, made, from }: InspectedFile) => [
      path,
      from === undefined ? made : `${made} ${from}`,
    ];
    expect(Object.fromEntries(entries.map(shown))).toEqual({
      '/app': 'header',
      '/app/same': 'same',
      '/app/there': 'moved /app/here',
      '/app/edited': 'delta /app/edited',
      '/app/tool': 'predicted /app/tool',
      '/app/app.war': 'opened /app/app.war',
      '/app/link': 'header',
      '/app/empty': 'header',
      '/app/new': 'new',
    });
  });

  it('cost what they bring: noise its size, what is the same next to nothing', async () => {
    const { files } = await inspectFixtures(everyWay(0), everyWay(1));
    const costs = new Map(files!.entries.map((entry) => [entry.path, entry]));
    expect(costs.get('/app/new')!.patchBytes).toBeGreaterThan(3900);
    expect(costs.get('/app/new')!.patchBytes).toBeLessThan(4200);
    expect(costs.get('/app/new')!.newBytes).toBe(4000);
    expect(costs.get('/app/same')!.patchBytes).toBeLessThan(20);
    expect(costs.get('/app/edited')!.newBytes).toBeUndefined();
    expect(costs.get('/app/edited')!.patchBytes).toBeGreaterThan(12);
    expect(costs.get('/app/edited')!.patchBytes).toBeLessThan(100);
  });

  it('of a layer that is carried as its blob share the blob', async () => {
    const carried = (seed: number): FixtureImage =>
      buildImage({
        seed: 7,
        layers: [
          {
            tar: buildTar([file('a', seededBytes(seed, 9000)), file('b', new Uint8Array(3000))]),
            compression: 'zstd',
          },
        ],
      });
    const inspection = await inspectFixtures(carried(8), carried(9));
    expectWhole(inspection);
    expect(inspection.target.layers[0]!.from).toBe('blob');
    expect(inspection.files!.entries.map(({ path, made }) => [path, made])).toEqual([
      ['/a', 'carried'],
      ['/b', 'carried'],
    ]);
    expect(adviseOnPatch(inspection).map(({ id }) => id)).toEqual(['carried-layers']);
  });

  it('are whole for layers of every kind, and of one layer alone', async () => {
    const pair = (release: number): FixtureImage =>
      buildImage({
        seed: 11,
        layers: [
          { variant: 0 },
          { seed: 20, variant: release },
          { tar: new Uint8Array(release * 1024), compression: 'none' },
          {
            tar: Buffer.concat([buildTar([file('x', page)]), seededBytes(release, 700)]),
            compression: 'none',
          },
          { tar: seededBytes(30 + release, 2000), compression: 'none' },
        ],
      });
    const inspection = await inspectFixtures(pair(0), pair(1));
    expectWhole(inspection);
    expect(inspection.files!.shares.otherTar).toBeGreaterThan(2000);
    const one = onlyLayer(inspection, 1);
    expect(one.target.layers.map(({ position }) => position)).toEqual([1]);
    expect(new Set(one.files!.entries.map((entry) => entry.layer))).toEqual(new Set([1]));
    expect(() => onlyLayer(inspection, 5)).toThrow('the target has no layer 5; it has 5');
  });

  it('are not guessed from another image', async () => {
    const [base, target] = [everyWay(0), everyWay(1)].map((image) => writeFixture(workshop, 'oci', image));
    expect(await failureOf(inspectBetween(base!, target!, target!))).toMatchObject({ code: 'BASE_MISMATCH' });
  });
});

describe.runIf(realImages !== undefined)('the patches of real images (with DIDIFF_IMAGES)', () => {
  it.each(['debian-slim', 'nginx', 'npm-app'])(
    'of %s are told to the byte',
    { timeout: 300_000 },
    async (name) => {
      const inspection = await inspectBetween(
        `oci:${realImages}:${name}-old`,
        `oci:${realImages}:${name}-new`,
      );
      expectWhole(inspection);
      if (name !== 'debian-slim') return;
      const caches = adviseOnPatch(inspection).find(({ id }) => id === 'caches');
      expect(caches?.paths).toContain('/var/cache/ldconfig/aux-cache');
      expect(caches?.paths.some((path) => path.startsWith('/var/log/'))).toBe(true);
    },
  );
});
