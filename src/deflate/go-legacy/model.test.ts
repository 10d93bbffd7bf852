import { afterAll, describe, expect, test } from 'vitest';
import { openGoOracle } from '../../../test/deflate/go-oracle.ts';
import { layerLikeBytes, randomNumbers } from '../../../test/deflate/plain.ts';
import { deflateSteps, randomSteps } from '../../../test/deflate/steps.ts';
import type { ByteSink } from '../bits.ts';
import { createLegacyModel, LEGACY_LEVELS } from './model.ts';

const go = openGoOracle('compress/gzip');
const isLegacy = go !== undefined && /^go1\.(8|9|1\d|2[0-6])(\D|$)/.test(go.release);
afterAll(() => go?.close());

describe.skipIf(!isLegacy)(`the model of Go up to 1.26 makes what Go itself makes (${go?.release})`, () => {
  for (const level of LEGACY_LEVELS) {
    test(`at level ${level}, for random bytes with random flushes, however they are cut`, () => {
      const next = randomNumbers(level + 100);
      for (let round = 0; round < 14; round++) {
        const size = next() % (round < 8 ? 3000 : 400_000);
        const plain = layerLikeBytes(size, next());
        const steps = randomSteps(size, next);
        const theirs = go!.gzip(plain, level, steps).subarray(10, -8);
        const model = (sink: ByteSink) => createLegacyModel(level, sink);
        const ours = deflateSteps(model, plain, steps, 1 + (next() % 70_000));
        expect(Buffer.compare(ours, theirs), `round ${round}, ${size} bytes, steps ${steps}`).toBe(0);
      }
    });
  }

  test('over more bytes than positions are counted before they are renumbered', () => {
    const plain = Buffer.concat(Array.from({ length: 10 }, (_, seed) => layerLikeBytes(1 << 21, seed % 3)));
    const ours = deflateSteps((sink) => createLegacyModel(2, sink), plain, [plain.length], 99_999);
    const theirs = go!.gzip(plain, 2, [plain.length]).subarray(10, -8);
    expect(Buffer.compare(ours, theirs)).toBe(0);
  });
});
