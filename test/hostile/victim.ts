/** A small patch that has everything: a layer of the base's, deltas with every stream, and a blob that is carried. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage, type FixtureImage } from '../fixtures/images.ts';
import { makePatch, type Workshop, writeFixture } from '../fixtures/patching.ts';
import { seededBytes, seededText } from '../fixtures/random.ts';
import { edited, file, layer, storeAsGzip, withBlob } from '../scenarios/scenario.ts';
import type { Target } from './attempt.ts';

const NOISE = seededBytes(81, 2000);
const MORE = seededBytes(82, 1500);
const KEPT = layer(file('kept', seededBytes(83, 100)));

const BASE = buildImage({
  seed: 80,
  layers: [layer(file('lib/one', NOISE), file('lib/two', MORE)), KEPT],
});

/** The base's two files swapped and changed, a new text, new noise, and headers that differ. */
const DELTA = layer(
  file('lib/two', edited(MORE, { 10: 1, 700: 2 })),
  file('lib/one', edited(NOISE, { 0: 1, 1999: 3 }), { mtimeSeconds: 1_700_000_500, mode: 0o755 }),
  file('lib/note', seededText(84, 200)),
  file('lib/data', seededBytes(85, 60)),
);
const CARRIED = { ...layer(file('carried', new Uint8Array(90))), compression: 'gzip' as const };

const TARGET: FixtureImage = buildImage({ seed: 80, label: 'target', layers: [KEPT, DELTA] });
const CARRYING: FixtureImage = withBlob(
  buildImage({ seed: 80, label: 'carrying', layers: [CARRIED, KEPT] }),
  storeAsGzip,
);

export interface Victim extends Target {
  readonly patch: Uint8Array;
}

/** `delta`: layer 0 is the base's, layer 1 a delta. `carrying`: layer 0 is carried as its blob, layer 1 the base's. */
export async function makeVictim(workshop: Workshop, kind: 'delta' | 'carrying'): Promise<Victim> {
  mkdirSync(join(workshop.directory, 'attempt'), { recursive: true });
  const image = kind === 'delta' ? TARGET : CARRYING;
  const base = writeFixture(workshop, 'oci', BASE);
  const path = workshop.newPath('patch');
  await makePatch(workshop, base, writeFixture(workshop, 'oci', image), path);
  return { workshop, base, image, patch: readFileSync(path) };
}
