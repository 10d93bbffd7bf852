import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededNoise, seededText } from '../../test/fixtures/random.ts';
import { openAnchorIndex } from './anchor-index.ts';
import { type AnchorIndex, createAnchorIndex } from './anchors.ts';

function found(index: AnchorIndex, bytes: Uint8Array): number[][] {
  const all: number[][] = [];
  index.find(bytes, (addresses) => all.push([...addresses]));
  return all;
}

/** Runs of bytes, each with the address it stands at; some go on from the one before. */
const TEXT = seededText(2, 40_000);
const NOISE = seededNoise(3, 100_000);
const run = fc.oneof(
  fc
    .record({ from: fc.nat(60_000), length: fc.nat(40_000) })
    .map(({ from, length }) => NOISE.subarray(from, from + length)),
  fc
    .record({ from: fc.nat(30_000), length: fc.nat(10_000) })
    .map(({ from, length }) => TEXT.subarray(from, from + length)),
  fc
    .record({ value: fc.nat(255), length: fc.nat(20_000) })
    .map(({ value, length }) => new Uint8Array(length).fill(value)),
  fc.uint8Array({ maxLength: 100 }),
);
const runs = fc.array(
  fc.record({ bytes: run, gap: fc.oneof(fc.constant(0), fc.nat(100), fc.constant(2 ** 35)) }),
  {
    maxLength: 8,
  },
);

describe('the kernel knows what the reference knows', () => {
  test('of any runs, wherever they stand, sparsely or densely indexed', () => {
    fc.assert(
      fc.property(
        runs,
        fc.constantFrom(1000, 200_000, 2 ** 33),
        fc.constantFrom(64, 1 << 12, 1 << 20),
        (given, expectedBytes, maxAnchors) => {
          // The table of the largest would take minutes to fill in the reference; it is the sampling that counts.
          const expected = maxAnchors === 1 << 20 ? Math.min(expectedBytes, 200_000) : expectedBytes;
          const [kernel, plain] = [
            openAnchorIndex(expected, maxAnchors),
            createAnchorIndex(expected, maxAnchors),
          ];
          let address = 0;
          for (const { bytes, gap } of given) {
            address += gap;
            for (const index of [kernel, plain]) index.add(bytes, address);
            address += bytes.length;
          }
          for (const { bytes } of given) expect(found(kernel, bytes)).toEqual(found(plain, bytes));
          expect(found(kernel, NOISE)).toEqual(found(plain, NOISE));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('when the table is full', () => {
    const [kernel, plain] = [openAnchorIndex(1000, 64), createAnchorIndex(1000, 64)];
    for (const index of [kernel, plain]) index.add(NOISE, 5);
    expect(found(kernel, NOISE)).toEqual(found(plain, NOISE));
    expect(found(kernel, NOISE).length).toBeGreaterThan(500);
  });
});

test('finding in between does not make two runs one', () => {
  const [kernel, plain] = [openAnchorIndex(20_000, 1 << 16), createAnchorIndex(20_000, 1 << 16)];
  kernel.add(NOISE.subarray(0, 5000), 0);
  kernel.find(TEXT, () => {});
  kernel.add(NOISE.subarray(5000, 10_000), 5000);
  plain.add(NOISE.subarray(0, 5000), 0);
  plain.add(NOISE.subarray(5000, 10_000), 5100);
  // What was found in between ended the first run: its windows don't go over into the second.
  expect(found(kernel, NOISE.subarray(0, 10_000)).length).toBe(
    found(plain, NOISE.subarray(0, 10_000)).length,
  );
});
