/** A file of several of the matcher's windows, whose parts move from one window's reach into another's. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { FixtureImage } from '../fixtures/images.ts';
import { applyTo, expectImage, makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { seededNoise, seededText } from '../fixtures/random.ts';
import { file, layer, scenario } from './scenario.ts';

const MEGABYTE = 1 << 20;
const workshop = openWorkshop();
const before = seededNoise(15, 20 * MEGABYTE);
const after = movedAbout(before);
const { base, target } = scenario(
  'large',
  [layer(file('app/model.bin', before))],
  [layer(file('app/model.bin', after))],
);

/** The last 4 MB first, a text between, 4,097 bytes lost in the middle, and a bit in every million bytes flipped. */
function movedAbout(bytes: Uint8Array): Uint8Array {
  const moved = Buffer.concat([
    bytes.subarray(16 * MEGABYTE),
    seededText(16, 1001),
    bytes.subarray(0, 9 * MEGABYTE),
    bytes.subarray(9 * MEGABYTE + 4097, 16 * MEGABYTE),
  ]);
  for (let at = 70_001; at < moved.length; at += 1_000_003) moved[at]! ^= 1;
  return moved;
}

async function patchBytes(from: FixtureImage, to: FixtureImage): Promise<number> {
  const reference = writeFixture(workshop, 'docker-archive', from);
  const patch = workshop.newPath('patch');
  await makePatch(workshop, reference, writeFixture(workshop, 'docker-archive', to), patch);
  const destination = `docker-archive:${workshop.newPath('result.tar')}`;
  await applyTo(workshop, patch, reference, destination);
  await expectImage(workshop, destination, to);
  return readFileSync(patch).length;
}

test('its parts are found wherever they went', async () => {
  expect(await patchBytes(base, target)).toBeLessThan(8000);
});

test('and back, where only the lost bytes are new', async () => {
  expect(await patchBytes(target, base)).toBeLessThan(4097 + 8000);
});
