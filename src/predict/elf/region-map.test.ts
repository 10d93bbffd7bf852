import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Region } from '../../kernels/match.ts';
import { buildRegionMap } from './region-map.ts';

const OLD_SIZE = 20_000;

const anyRegions = fc
  .array(
    fc.record({ gap: fc.nat(50), oldStart: fc.nat(OLD_SIZE - 1), length: fc.integer({ min: 1, max: 3000 }) }),
    {
      maxLength: 40,
    },
  )
  .map((pieces) => {
    let at = 0;
    return pieces.map(({ gap, oldStart, length }): Region => {
      const newStart = at + gap;
      const fits = Math.min(length, OLD_SIZE - oldStart);
      at = newStart + fits;
      return { newStart, oldStart, length: fits };
    });
  });

/** Asks every region, as the words of the contract have it. */
function oracle(regions: readonly Region[], offset: number): Region | undefined {
  let best: Region | undefined;
  for (const each of regions) {
    const inside = offset >= each.oldStart && offset < each.oldStart + each.length;
    if (inside && (best === undefined || each.length > best.length)) best = each;
  }
  return best;
}

test('where regions claim one old byte, the longest has it, then the first', () => {
  fc.assert(
    fc.property(anyRegions, fc.array(fc.nat(OLD_SIZE - 1), { minLength: 20 }), (regions, offsets) => {
      const map = buildRegionMap(regions, OLD_SIZE);
      const edges = regions.flatMap((each) => [each.oldStart, each.oldStart + each.length - 1]);
      for (const offset of [...offsets, ...edges]) {
        const owner = oracle(regions, offset);
        if (owner !== undefined) expect(map.toNew(offset)).toBe(offset + owner.newStart - owner.oldStart);
      }
    }),
  );
});

test('outside of all regions the nearest is extended, the later one where both are as near', () => {
  const map = buildRegionMap(
    [
      { newStart: 0, oldStart: 100, length: 100 },
      { newStart: 1000, oldStart: 300, length: 100 },
    ],
    OLD_SIZE,
  );
  expect([0, 99, 200, 249].map((at) => map.toNew(at) - at)).toEqual([-100, -100, -100, -100]);
  expect([251, 299, 400, 19_999, 30_000].map((at) => map.toNew(at) - at)).toEqual([700, 700, 700, 700, 700]);
  expect(map.toNew(250)).toBe(950);
  expect(buildRegionMap([], OLD_SIZE).toNew(5)).toBe(5);
});

test('the way back is exact inside of regions, and says so outside', () => {
  fc.assert(
    fc.property(anyRegions, (regions) => {
      const map = buildRegionMap(regions, OLD_SIZE);
      let end = 0;
      for (const { newStart, oldStart, length } of regions) {
        if (newStart > end) expect(map.toOld(newStart - 1)).toBe(-1);
        expect(map.toOld(newStart)).toBe(oldStart);
        expect(map.toOld(newStart + length - 1)).toBe(oldStart + length - 1);
        end = newStart + length;
      }
      expect(map.toOld(end)).toBe(-1);
      expect(map.toOld(-1)).toBe(-1);
    }),
  );
});
