import { afterAll, describe, expect, test } from 'vitest';
import { openGoOracle } from '../../../test/deflate/go-oracle.ts';
import { layerLikeBytes, randomNumbers } from '../../../test/deflate/plain.ts';
import { deflateSteps, randomSteps } from '../../../test/deflate/steps.ts';
import type { ByteSink } from '../bits.ts';
import { createModernModel } from './model.ts';
import { createPgzipModel } from './pgzip.ts';

// The Debian package of klauspost/compress is 1.15.12: the older header, levels 7 to 9 of another algorithm.
const compress = openGoOracle('github.com/klauspost/compress/gzip');
const pgzip = openGoOracle('github.com/klauspost/pgzip');
afterAll(() => {
  compress?.close();
  pgzip?.close();
});

describe.skipIf(compress === undefined)('the model of klauspost/compress makes what it makes', () => {
  for (const level of [-2, 0, 1, 2, 3, 4, 5, 6]) {
    test(`at level ${level}, for random bytes with random flushes, however they are cut`, () => {
      const next = randomNumbers(level + 200);
      for (let round = 0; round < 14; round++) {
        const size = next() % (round < 8 ? 3000 : 700_000);
        const plain = layerLikeBytes(size, next());
        const steps = randomSteps(size, next);
        const theirs = compress!.gzip(plain, level, steps).subarray(10, -8);
        const model = (sink: ByteSink) => createModernModel(level, 0, sink);
        const ours = deflateSteps(model, plain, steps, 1 + (next() % 70_000));
        expect(Buffer.compare(ours, theirs), `round ${round}, ${size} bytes, steps ${steps}`).toBe(0);
      }
    });
  }
});

describe.skipIf(pgzip === undefined)('the model of pgzip makes what it makes', () => {
  for (const blockBytes of [1 << 18, 1 << 20]) {
    for (const level of [1, 5, 6]) {
      test(`at level ${level} in blocks of ${blockBytes} bytes, at sizes around their borders`, () => {
        const around = [
          0,
          1,
          16,
          129,
          blockBytes - 1,
          blockBytes,
          blockBytes + 1,
          2 * blockBytes,
          2 * blockBytes + 70_000,
        ];
        for (const [round, size] of around.entries()) {
          const plain = layerLikeBytes(size, round + level);
          const theirs = pgzip!.gzip(plain, level, [size], blockBytes).subarray(10, -8);
          const model = (sink: ByteSink) => createPgzipModel(level, 0, blockBytes, sink);
          expect(Buffer.compare(deflateSteps(model, plain, [size], 100_000), theirs), `${size} bytes`).toBe(
            0,
          );
        }
      });
    }
  }
});
