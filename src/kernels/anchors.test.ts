import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededNoise } from '../../test/fixtures/random.ts';
import { createAnchorIndex } from './anchors.ts';

const NOISE = seededNoise(1, 60_000);

/** Where windows of `bytes` are found, as [address, …] per window. */
function found(index: ReturnType<typeof createAnchorIndex>, bytes: Uint8Array): number[][] {
  const all: number[][] = [];
  index.find(bytes, (addresses) => all.push([...addresses]));
  return all;
}

test('what was added is found where it stands, rounded down to 16, wherever it went', () => {
  const index = createAnchorIndex(NOISE.length, 1 << 16);
  index.add(NOISE, 1000);
  fc.assert(
    fc.property(fc.nat(NOISE.length - 2000), fc.uint8Array({ maxLength: 50 }), (start, before) => {
      const part = NOISE.subarray(start, start + 2000);
      const addresses = found(index, Buffer.concat([before, part])).flat();
      expect(addresses.length).toBeGreaterThan(60);
      for (const address of addresses) {
        expect(address % 16).toBe(0);
        // The first may begin in what stands before the part, by chance; not more of it than a window's 32 bytes.
        expect(address).toBeGreaterThan(1000 + start - 16 - 32);
        expect(address).toBeLessThan(1000 + start + 2000);
      }
    }),
    { numRuns: 100 },
  );
});

test('the pieces in which something is added make no difference', () => {
  const whole = createAnchorIndex(NOISE.length, 1 << 16);
  whole.add(NOISE, 0);
  const expected = found(whole, NOISE);
  fc.assert(
    fc.property(fc.array(fc.nat(NOISE.length), { maxLength: 10 }), (cuts) => {
      const index = createAnchorIndex(NOISE.length, 1 << 16);
      const places = [0, ...cuts.sort((a, b) => a - b), NOISE.length];
      for (const [i, place] of places.slice(0, -1).entries())
        index.add(NOISE.subarray(place, places[i + 1]), place);
      expect(found(index, NOISE)).toEqual(expected);
    }),
    { numRuns: 20 },
  );
});

test('windows that go over from one run into another are not known', () => {
  const index = createAnchorIndex(2000, 1 << 16);
  index.add(NOISE.subarray(0, 1000), 0);
  index.add(NOISE.subarray(1000, 2000), 5008);
  for (const address of found(index, NOISE.subarray(0, 2000)).flat())
    expect(address <= 1000 - 32 || (address >= 5008 - 15 && address <= 6008 - 32)).toBe(true);
});

test('something else is found nowhere', () => {
  const index = createAnchorIndex(NOISE.length, 1 << 16);
  index.add(NOISE, 0);
  expect(found(index, seededNoise(2, 60_000))).toEqual([]);
  expect(found(index, new Uint8Array(0))).toEqual([]);
});

test('what repeats very often is remembered a few times only, and costs no time', () => {
  const index = createAnchorIndex(8 << 20, 1 << 16);
  const page = NOISE.subarray(0, 4096);
  const start = performance.now();
  for (let at = 0; at < 2 << 20; at += page.length) index.add(page, at);
  for (const addresses of found(index, page)) expect(addresses.length).toBeLessThanOrEqual(4);
  index.add(new Uint8Array(1 << 20), 4 << 20);
  expect(performance.now() - start).toBeLessThan(3000);
});
