import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededBytes } from '../../test/fixtures/random.ts';
import { bytesAccess } from '../bytes/access.ts';
import { indexBlocks } from './block-index.ts';

const tick = async () => {};

async function runsOf(old: Uint8Array, bytes: Uint8Array) {
  const index = await indexBlocks(bytesAccess(old), tick);
  try {
    return await index.find(bytesAccess(bytes), tick);
  } finally {
    index.close();
  }
}

const OLD = seededBytes(1, 60_000);

test('runs are in both, in order, and none is in another', async () => {
  const piece = fc.oneof(
    fc.tuple(fc.nat(59_000), fc.integer({ min: 1, max: 900 })).map(([at, n]) => OLD.subarray(at, at + n)),
    fc.uint8Array({ maxLength: 100 }),
    fc.nat(300).map((n) => new Uint8Array(n)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 20 }), fc.array(piece, { maxLength: 4 }), async (a, b) => {
      const bytes = Buffer.concat(a);
      const old = Buffer.concat([...b, OLD, ...b]);
      let end = 0;
      for (const { at, address, length } of await runsOf(old, bytes)) {
        expect(at).toBeGreaterThanOrEqual(end);
        expect(bytes.subarray(at, at + length).equals(old.subarray(address, address + length))).toBe(true);
        end = at + length;
      }
    }),
    { numRuns: 60 },
  );
});

test('every stretch of 63 bytes is found whole, wherever it stands', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(59_900),
      fc.nat(70),
      fc.integer({ min: 63, max: 100 }),
      async (at, gap, length) => {
        const part = OLD.subarray(at, at + length);
        const bytes = Buffer.concat([seededBytes(2, gap), part, seededBytes(3, 10)]);
        const runs = await runsOf(OLD, bytes);
        expect(runs.length).toBe(1);
        const [run] = runs;
        expect(run!.at).toBeLessThanOrEqual(gap);
        expect(run!.at + run!.length).toBeGreaterThanOrEqual(gap + part.length);
        expect(run!.address - run!.at).toBe(at - gap);
      },
    ),
  );
});

test('stretches across the pieces in which files are read are one run', async () => {
  const old = seededBytes(4, (1 << 18) * 3 + 777);
  const runs = await runsOf(old, Buffer.concat([Uint8Array.of(1, 2, 3), old]));
  expect(runs).toEqual([{ at: 3, address: 0, length: old.length }]);
});

test('megabytes of one byte take no time out of proportion', async () => {
  const runs = await runsOf(new Uint8Array(4 << 20), new Uint8Array(5 << 20));
  expect(runs.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(4 << 20);
});
