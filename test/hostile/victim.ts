/** A small patch that has everything: a layer of the base's, deltas with every stream, blobs carried, taken over and copied. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildImage, type FixtureImage } from '../fixtures/images.ts';
import { makePatch, type Workshop, writeFixture } from '../fixtures/patching.ts';
import { seededBytes, seededText } from '../fixtures/random.ts';
import { edited, file, layer } from '../scenarios/scenario.ts';
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
  file('lib/note', seededText(84, 400)),
  file('lib/data', seededBytes(85, 60)),
);
/** No recipe makes zstd. */
const CARRIED = { ...layer(file('carried', new Uint8Array(90))), compression: 'zstd' as const };

const TARGET: FixtureImage = buildImage({ seed: 80, label: 'target', layers: [KEPT, DELTA] });
const CARRYING: FixtureImage = buildImage({ seed: 80, label: 'carrying', layers: [CARRIED, KEPT] });

/** One layer, which the base has too, compressed alike and as no recipe can. */
const SHARED_SPEC = { files: 2, fileBytes: 100, compression: 'zstd' as const };
const SHARED_BASE = buildImage({ seed: 86, layers: [SHARED_SPEC, KEPT] });
const SHARING = buildImage({ seed: 86, label: 'sharing', layers: [SHARED_SPEC] });

/** A blob that is the base's but for some bytes in the middle. */
const COPIED = seededBytes(87, 5000);
const copiedLayer = (content: Uint8Array) => ({
  ...layer(file('copied', content)),
  compression: 'zstd' as const,
});
const COPYING_BASE = buildImage({ seed: 87, layers: [copiedLayer(COPIED), KEPT] });
const COPYING = buildImage({
  seed: 87,
  label: 'copying',
  layers: [copiedLayer(edited(COPIED, { 2000: 1, 2001: 2 }))],
});

const PAIRS = {
  delta: [BASE, TARGET],
  classic: [BASE, TARGET],
  carrying: [BASE, CARRYING],
  sharing: [SHARED_BASE, SHARING],
  copying: [COPYING_BASE, COPYING],
} as const;

export interface Victim extends Target {
  readonly patch: Uint8Array;
  readonly baseImage: FixtureImage;
}

/**
 * `delta`: layer 0 is the base's, layer 1 a delta. `carrying`: layer 0 is carried as its blob, layer 1 the base's.
 * `classic`: as `delta`, of images that have no manifest. `sharing`: the one layer and its blob are the base's.
 * `copying`: the one layer is a delta, and its blob copied from the base's.
 */
export async function makeVictim(workshop: Workshop, kind: keyof typeof PAIRS): Promise<Victim> {
  mkdirSync(join(workshop.directory, 'attempt'), { recursive: true });
  const [from, image] = PAIRS[kind];
  const form = kind === 'classic' ? 'docker-archive' : 'oci';
  const base = writeFixture(workshop, form, from);
  const path = workshop.newPath('patch');
  await makePatch(workshop, base, writeFixture(workshop, form, image), path);
  return { workshop, base, baseImage: from, image, patch: readFileSync(path) };
}
