/** Archives of Java classes, which the virtual machine maps: predicted from the earlier one, whatever they are called. */
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { buildImage } from '../fixtures/images.ts';
import { makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { cdsVersions } from '../predict/build-cds.ts';
import { file, layer } from './scenario.ts';

const workshop = openWorkshop();
const [OLD, NEXT] = cdsVersions();

interface Made {
  readonly sizeBytes: number;
  readonly predicted: number;
}

/** The patch is applied in its proof. */
async function patchOf(before: Uint8Array, after: Uint8Array): Promise<Made> {
  const image = (content: Uint8Array, label: string) =>
    buildImage({ seed: 3, label, layers: [layer(file('opt/server/archive', content))] });
  const base = writeFixture(workshop, 'docker-archive', image(before, 'base'));
  const target = writeFixture(workshop, 'docker-archive', image(after, 'target'));
  const path = workshop.newPath('patch');
  const { files } = await makePatch(workshop, base, target, path);
  return { sizeBytes: statSync(path).size, predicted: files.predicted };
}

/** The same but for the number that tells what it is. */
function unknown(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes, (byte, at) => (at === 0 ? byte ^ 1 : byte));
}

test('a patch of an archive is a fifth of one of the same bytes that are no archive', async () => {
  const predicted = await patchOf(OLD, NEXT);
  const plain = await patchOf(unknown(OLD), unknown(NEXT));
  expect([predicted.predicted, plain.predicted]).toEqual([1, 0]);
  expect(predicted.sizeBytes).toBeLessThan(plain.sizeBytes / 5);
});

test('an archive of which only numbers changed in place is not made larger by prediction', async () => {
  const next = OLD.slice();
  for (let at = 4096 + 3; at < next.length; at += 977) next[at]! ^= 0x55;
  const { sizeBytes } = await patchOf(OLD, next);
  expect(sizeBytes).toBeLessThan((await patchOf(unknown(OLD), unknown(next))).sizeBytes + 64);
});
