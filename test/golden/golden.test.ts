/**
 * The sizes of patches of fixed pairs, as committed in sizes.json: whatever makes patches larger or smaller shows there.
 * They hold for one version of brotli; DIDIFF_GOLDEN=write writes them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createPatch, inspectPatch, type OpenedImage, openImage, openPatch } from '../../src/index.ts';
import type { FixtureImage } from '../fixtures/images.ts';
import { openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { GOLDEN_PAIRS, type GoldenPair } from './pairs.ts';

type Sizes = Readonly<Record<string, number>>;
interface Golden {
  readonly node: string;
  readonly brotli: string;
  readonly patches: Readonly<Record<string, Sizes>>;
}

const PATH = join(import.meta.dirname, 'sizes.json');
const committed: Golden = JSON.parse(readFileSync(PATH, 'utf8'));
const workshop = openWorkshop();
const { node, brotli } = process.versions;

/** Patches tell the name an image was opened by; here that is a path which is another every time. */
async function openNamed(name: string, image: FixtureImage): Promise<OpenedImage> {
  const reference = writeFixture(workshop, 'docker-archive', image);
  return { ...(await openImage(reference, { tempDirectory: workshop.tempDirectory })), name };
}

/** The whole patch, and its streams. */
async function sizesOf({ base, target }: GoldenPair): Promise<Sizes> {
  const path = workshop.newPath('patch');
  const options = { tempDirectory: workshop.tempDirectory };
  const from = await openNamed('base:1', base);
  const to = await openNamed('target:1', target);
  const { patchBytes } = await createPatch(from, to, path, options);
  await to.close();
  await from.close();
  const patch = await openPatch(path);
  try {
    const { streams } = await inspectPatch(patch.reader, () => patchBytes);
    return { patch: patchBytes, ...streams };
  } finally {
    await patch.reader.close();
  }
}

const holds = committed.brotli === brotli;
const title = holds ? '' : ` (the sizes are of brotli ${committed.brotli}, this is ${brotli})`;

test.skipIf(!holds && process.env['DIDIFF_GOLDEN'] !== 'write')(
  `patches are as large as they were${title}`,
  async () => {
    const patches: Record<string, Sizes> = {};
    for (const pair of GOLDEN_PAIRS) patches[pair.name] = await sizesOf(pair);
    if (process.env['DIDIFF_GOLDEN'] === 'write') {
      writeFileSync(PATH, `${JSON.stringify({ node, brotli, patches }, undefined, 2)}\n`);
    } else {
      expect(patches).toEqual(committed.patches);
    }
  },
);
