/** What `estimate` says beside what `create` makes. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Estimate, estimatePatch, openImage } from '../src/index.ts';
import { buildImage } from './fixtures/images.ts';
import { buildTar, type TarEntrySpec } from './fixtures/layer-tar.ts';
import { makePatch, openWorkshop, writeFixture } from './fixtures/patching.ts';
import { seededBytes } from './fixtures/random.ts';
import { GOLDEN_PAIRS } from './golden/pairs.ts';

const workshop = openWorkshop();
const options = { tempDirectory: workshop.tempDirectory };
const realImages = process.env['DIDIFF_IMAGES'];

async function estimateOf(base: string, target: string): Promise<Estimate> {
  const [from, to] = [await openImage(base, options), await openImage(target, options)];
  try {
    return await estimatePatch(from, to, options);
  } finally {
    await from.close();
    await to.close();
  }
}

async function errorOf(base: string, target: string): Promise<readonly [error: number, bytes: number]> {
  const { estimatedBytes } = await estimateOf(base, target);
  const patch = workshop.newPath('patch');
  await makePatch(workshop, base, target, patch);
  const bytes = statSync(patch).size;
  return [Math.abs(estimatedBytes - bytes), bytes];
}

/** What stands in a folder, as entries of a tar. */
function installedFiles(folder: string): readonly TarEntrySpec[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => relative(folder, join(each.parentPath, each.name)))
    .sort();
  return names.map((name) => ({ name: `app/${name}`, type: '0', content: readFileSync(join(folder, name)) }));
}

function installedImage(files: readonly TarEntrySpec[]): string {
  const layers = [{ compression: 'none', tar: buildTar(files) }] as const;
  return writeFixture(workshop, 'oci', buildImage({ seed: 1, layers }));
}

function publishedPair(): readonly [base: string, target: string] {
  const [base, target] = ['node_modules/prettier-old', 'node_modules/prettier-new'];
  return [installedImage(installedFiles(base)), installedImage(installedFiles(target))];
}

describe('an estimate', () => {
  it.each(GOLDEN_PAIRS)('of "$name" is near what create makes', async ({ base, target }) => {
    const [error, bytes] = await errorOf(
      writeFixture(workshop, 'oci', base),
      writeFixture(workshop, 'oci', target),
    );
    // The header is guessed and streams are coded roughly: some hundred bytes, which matter in the smallest patches only.
    expect(error).toBeLessThanOrEqual(Math.max(500, bytes * 0.15));
  });

  // Layers of more than a megabyte are looked at roughly: two versions of what is installed for the demonstration.
  it('of a release of published software is within 15 %', { timeout: 120_000 }, async () => {
    const [error, bytes] = await errorOf(...publishedPair());
    expect(error / bytes).toBeLessThanOrEqual(0.15);
  });

  it('of the same files, some of them elsewhere, is small', { timeout: 120_000 }, async () => {
    const [base] = publishedPair();
    const files = installedFiles('node_modules/prettier-old').map((each, at) =>
      at % 3 === 0 ? { ...each, name: `moved/${each.name}` } : each,
    );
    const { estimatedBytes, files: changed } = await estimateOf(base, installedImage(files));
    expect(changed).toEqual([]);
    expect(estimatedBytes).toBeLessThan(4000);
  });

  it('gives files what they cost, about', { timeout: 120_000 }, async () => {
    const noise = seededBytes(7, 100_000);
    const files = installedFiles('node_modules/prettier-old');
    const base = installedImage(files);
    const target = installedImage([...files, { name: 'noise', type: '0', content: noise }]);
    const [first] = (await estimateOf(base, target)).files;
    expect(first).toMatchObject({ path: '/noise', kind: 'new binary', sizeBytes: noise.length });
    expect(Math.abs(first!.estimatedBytes / noise.length - 1)).toBeLessThan(0.2);
  });

  it('of a large file finds what moved far in it', { timeout: 120_000 }, async () => {
    const half = 5 << 20;
    const data = Buffer.concat([Buffer.alloc(64), seededBytes(8, 2 * half)]);
    const moved = Buffer.concat([Buffer.alloc(64), data.subarray(64 + half), data.subarray(64, 64 + half)]);
    const image = (content: Uint8Array) => installedImage([{ name: 'data', type: '0', content }]);
    const { estimatedBytes } = await estimateOf(image(data), image(moved));
    expect(estimatedBytes).toBeLessThan(data.length / 50);
  });

  // Few bytes of it differ, in few places: what stands there decides.
  it('of a large executable is within 15 %', { timeout: 120_000 }, async () => {
    const old = Buffer.from(seededBytes(9, 8 << 20));
    old.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    const next = Buffer.from(old);
    next.set(seededBytes(10, 6000), 5 << 20);
    const image = (content: Uint8Array) => installedImage([{ name: 'program', type: '0', content }]);
    const [error, bytes] = await errorOf(image(old), image(next));
    expect(bytes).toBeGreaterThan(6000);
    expect(error / bytes).toBeLessThanOrEqual(0.15);
  });

  it('has the parts that make the whole, and says what a pull would move', async () => {
    const { base, target } = GOLDEN_PAIRS.find(({ name }) => name === 'small layers')!;
    const estimate = await estimateOf(
      writeFixture(workshop, 'oci', base),
      writeFixture(workshop, 'oci', target),
    );
    const ofLayers = estimate.layers.reduce((sum, layer) => sum + layer.estimatedBytes, 0);
    const ofFiles = estimate.files.reduce((sum, file) => sum + file.estimatedBytes, 0);
    expect(ofLayers).toBeLessThan(estimate.estimatedBytes);
    expect(ofFiles).toBeLessThanOrEqual(ofLayers);
    const lacking = target.layers.filter(({ diffId }) =>
      base.layers.every((layer) => layer.diffId !== diffId),
    );
    expect(estimate.pullBytes).toBe(lacking.reduce((sum, { blob }) => sum + blob.bytes.length, 0));
    expect(estimate.matchedBytes).toBeLessThanOrEqual(estimate.changedBytes);
  });

  it.runIf(realImages !== undefined)(
    'of nginx is within 15 % (with DIDIFF_IMAGES)',
    { timeout: 600_000 },
    async () => {
      const [error, bytes] = await errorOf(`oci:${realImages}:nginx-old`, `oci:${realImages}:nginx-new`);
      expect(error / bytes).toBeLessThanOrEqual(0.15);
    },
  );
});
