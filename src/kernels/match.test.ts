import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededBytes, seededNoise, seededText } from '../../test/fixtures/random.ts';
import { findRegions, indexOld, type Region } from './match.ts';
import { WINDOW_BYTES } from './window-hash.ts';

/** What a region means, taken literally: the new buffer made of the old one, the differences and what is between. */
function rebuild(old: Uint8Array, next: Uint8Array, regions: readonly Region[]): Uint8Array {
  const built = new Uint8Array(next.length);
  let at = 0;
  for (const { newStart, oldStart, length } of regions) {
    expect(newStart).toBeGreaterThanOrEqual(at);
    expect(length).toBeGreaterThan(0);
    expect(oldStart).toBeGreaterThanOrEqual(0);
    expect(oldStart + length).toBeLessThanOrEqual(old.length);
    expect(newStart + length).toBeLessThanOrEqual(next.length);
    built.set(next.subarray(at, newStart), at);
    for (let i = 0; i < length; i++) {
      const difference = next[newStart + i]! - old[oldStart + i]!;
      built[newStart + i] = old[oldStart + i]! + difference;
    }
    at = newStart + length;
  }
  built.set(next.subarray(at), at);
  return built;
}

function matched(old: Uint8Array, next: Uint8Array, sampleBits = 0, minimumGain?: number): readonly Region[] {
  return findRegions(indexOld(old, sampleBits, next), next, minimumGain);
}

/** Bytes of the new buffer that regions give without a difference. */
function equalBytes(old: Uint8Array, next: Uint8Array, regions: readonly Region[]): number {
  let equal = 0;
  for (const { newStart, oldStart, length } of regions)
    for (let i = 0; i < length; i++) if (old[oldStart + i] === next[newStart + i]) equal++;
  return equal;
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  // Of few values, so that windows repeat.
  fc.uint8Array({ max: 2, maxLength: 400 }),
  fc
    .uint8Array({ maxLength: 30 })
    .chain((piece) => fc.nat(20).map((count) => Buffer.concat(Array(count).fill(piece)))),
);
/** An old buffer, and a new one of parts of it with bytes changed and bytes between. */
const pair = bytes.chain((old) =>
  fc
    .array(
      fc.record({
        from: fc.nat(old.length),
        to: fc.nat(old.length),
        flip: fc.nat(500),
        more: fc.uint8Array({ maxLength: 20 }),
      }),
      {
        maxLength: 6,
      },
    )
    .map((parts) => {
      const pieces = parts.flatMap(({ from, to, flip, more }) => {
        const part = Uint8Array.from(old.subarray(Math.min(from, to), Math.max(from, to)));
        if (flip < part.length) part[flip]! ^= 0x55;
        return [part, more];
      });
      return { old, next: new Uint8Array(Buffer.concat(pieces)) };
    }),
);
const settings = fc.record({ sampleBits: fc.nat(3), minimumGain: fc.nat(64) });

test('regions are in order, apart, inside both buffers, and rebuild the new one', () => {
  fc.assert(
    fc.property(
      fc.oneof(pair, fc.record({ old: bytes, next: bytes })),
      settings,
      ({ old, next }, { sampleBits, minimumGain }) => {
        const regions = matched(old, next, sampleBits, minimumGain);
        expect(Buffer.compare(rebuild(old, next, regions), next)).toBe(0);
      },
    ),
    { numRuns: 1500 },
  );
});

describe('what is found', () => {
  const old = seededBytes(1, 5000);

  test('the same buffer is one region', () => {
    expect(matched(old, old)).toEqual([{ newStart: 0, oldStart: 0, length: 5000 }]);
  });

  test('nothing in buffers that share nothing, or are empty', () => {
    expect(matched(old, seededBytes(2, 5000))).toEqual([]);
    expect(matched(old, new Uint8Array(0))).toEqual([]);
    expect(matched(new Uint8Array(0), old)).toEqual([]);
  });

  test('a region goes on over bytes that differ', () => {
    const next = old.map((byte, at) => (at % 50 === 25 ? byte ^ 1 : byte));
    expect(matched(old, next)).toEqual([{ newStart: 0, oldStart: 0, length: 5000 }]);
  });

  test('insertions and deletions cost no byte of what is around them', () => {
    const next = Buffer.concat([
      old.subarray(0, 1000),
      seededBytes(3, 77),
      old.subarray(1000, 3000),
      old.subarray(3500),
    ]);
    const regions = matched(old, next);
    expect(equalBytes(old, next, regions)).toBeGreaterThanOrEqual(4500);
    expect(regions.length).toBe(3);
  });

  test('parts that change places are all found', () => {
    const next = Buffer.concat([old.subarray(2500), old.subarray(0, 2500)]);
    expect(matched(old, next)).toEqual([
      { newStart: 0, oldStart: 2500, length: 2500 },
      { newStart: 2500, oldStart: 0, length: 2500 },
    ]);
  });

  test.each([0, 1, 2, 3])('with one window in 2^%d indexed, long matches are still whole', (sampleBits) => {
    const large = seededNoise(4, 300_000);
    const next = Buffer.concat([
      seededBytes(5, 333),
      large.subarray(100_000, 200_000),
      large.subarray(0, 100_000),
    ]);
    expect(equalBytes(large, next, matched(large, next, sampleBits))).toBeGreaterThanOrEqual(200_000);
  });

  test('a higher price keeps short matches in text out', () => {
    const [before, after] = [seededText(6, 20_000), seededText(7, 20_000)];
    const cheap = matched(before, after, 0, 8).length;
    expect(cheap).toBeGreaterThan(100);
    expect(matched(before, after, 0, 64).length).toBeLessThan(cheap / 10);
  });

  test.each([1, 2, 7, WINDOW_BYTES, 100, 1000])(
    'data of the period %d is found whole, in a time that grows with it',
    (period) => {
      const next = new Uint8Array(400_000).map((_, at) => 31 * (at % period));
      const start = performance.now();
      const regions = matched(next, next.subarray(1));
      expect(equalBytes(next, next.subarray(1), regions)).toBe(399_999);
      expect(regions.length).toBeLessThanOrEqual(2);
      // It was half a minute when each period was indexed.
      expect(performance.now() - start).toBeLessThan(3000);
    },
  );
});
