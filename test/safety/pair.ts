/** A pair of images large enough that something can happen while it is worked on. */
import { buildImage } from '../fixtures/images.ts';
import { seededNoise } from '../fixtures/random.ts';
import { edited, file, layer } from '../scenarios/scenario.ts';

/** Base and target share one layer; two are deltas, of about `sizeBytes` each. */
export function largePair(sizeBytes: number) {
  const [one, two] = [seededNoise(91, sizeBytes), seededNoise(92, sizeBytes)];
  const shared = layer(file('shared', seededNoise(93, sizeBytes / 2)));
  return {
    base: buildImage({
      seed: 1,
      label: 'base',
      layers: [shared, layer(file('a', one)), layer(file('b', two))],
    }),
    target: buildImage({
      seed: 1,
      label: 'target',
      layers: [
        shared,
        layer(file('a', edited(one, { 1: 1, 5000: 5 }))),
        layer(file('b', edited(two, { 7: 0 })), file('c', seededNoise(94, sizeBytes / 4))),
      ],
    }),
  };
}
