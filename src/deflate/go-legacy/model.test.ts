import { afterAll, describe, expect, test } from 'vitest';
import { openGoOracle, type Step } from '../../../test/deflate/go-oracle.ts';
import { layerLikeBytes, randomNumbers } from '../../../test/deflate/plain.ts';
import { createLegacyModel, LEGACY_LEVELS } from './model.ts';

const go = openGoOracle();
const isLegacy = go !== undefined && /^go1\.(8|9|1\d|2[0-6])(\D|$)/.test(go.release);
afterAll(() => go?.close());

/** The stream the model makes, cutting its input at places of its own. */
function deflate(plain: Uint8Array, level: number, steps: readonly Step[], cut: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  const model = createLegacyModel(level, (piece) => pieces.push(piece));
  let at = 0;
  for (const step of steps) {
    if (step === 'flush') model.flush();
    else if (typeof step === 'number') {
      for (const end = at + step; at < end; at = Math.min(end, at + cut)) {
        model.write(plain.subarray(at, Math.min(end, at + cut)));
      }
    }
  }
  model.finish();
  return Buffer.concat(pieces);
}

describe.skipIf(!isLegacy)(
  `the model of Go up to 1.26 makes what Go itself makes (${go?.release ?? 'go is not installed'})`,
  () => {
    for (const level of LEGACY_LEVELS) {
      test(`at level ${level}, for random bytes with random flushes, however they are cut`, () => {
        const next = randomNumbers(level + 100);
        for (let round = 0; round < 14; round++) {
          const size = next() % (round < 8 ? 3000 : 400_000);
          const plain = layerLikeBytes(size, next());
          const steps: Step[] = [];
          for (let left = size; left > 0; ) {
            const part = Math.min(left, 1 + (next() % (round % 3 === 0 ? size + 1 : 50_000)));
            steps.push(part);
            if (next() % 3 === 0) steps.push('flush');
            left -= part;
          }
          const theirs = go!.gzip(plain, level, steps).subarray(10, -8);
          const ours = deflate(plain, level, steps, 1 + (next() % 70_000));
          expect(Buffer.compare(ours, theirs), `round ${round}, ${size} bytes, steps ${steps}`).toBe(0);
        }
      });
    }

    test('over more bytes than positions are counted before they are renumbered', () => {
      const plain = Buffer.concat(Array.from({ length: 10 }, (_, seed) => layerLikeBytes(1 << 21, seed % 3)));
      expect(
        Buffer.compare(
          deflate(plain, 2, [plain.length], 99_999),
          go!.gzip(plain, 2, [plain.length]).subarray(10, -8),
        ),
      ).toBe(0);
    });
  },
);
