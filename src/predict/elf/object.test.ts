import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildObject, type ObjectSpec } from '../../../test/predict/build-object.ts';
import {
  countPlain,
  expectRoundTrip,
  hostileNumber,
  regionsOf,
  withDamage,
} from '../../../test/predict/round-trip.ts';
import { bytesAccess } from '../../bytes/access.ts';
import { findRegions, indexOld, type Region } from '../../kernels/match.ts';
import { planElfRegions } from './plan.ts';

const SPEC: ObjectSpec = {
  functions: Array.from({ length: 150 }, (_, i) => ({
    name: `function_${(i * 7919) % 1000}_${i}`,
    bytes: 40 + ((i * 37) % 160),
    calls: Array.from({ length: 1 + (i % 5) }, (_, k) => `called_${(i * 31 + k * 17) % 60}`),
  })),
};
const added = { name: 'added', bytes: 90, calls: ['another', 'called_3'] };
const OLD = buildObject(SPEC);
const NEXT = buildObject({ functions: SPEC.functions.toSpliced(50, 0, added).toSpliced(100, 1) });

/** As the side that makes patches does it; objects have nothing to label. */
function match(old: Uint8Array, next: Uint8Array): readonly Region[] {
  return planElfRegions(bytesAccess(old), bytesAccess(next), findRegions(indexOld(old, 0), next));
}

test('of objects that differ by two functions, nearly every byte is predicted', () => {
  const regions = match(OLD, NEXT);
  const plain = countPlain(OLD, regions, NEXT);
  const wrong = expectRoundTrip(OLD, regions, NEXT);
  expect(plain).toBeGreaterThan(1500);
  expect(wrong).toBeLessThan(plain / 40);
});

test('of equal objects every byte is predicted', () => {
  expect(expectRoundTrip(OLD, match(OLD, OLD), OLD)).toBe(0);
});

test('both sides agree on objects damaged anywhere, with any regions', () => {
  const planned = match(OLD, NEXT);
  const last = Math.min(OLD.length, NEXT.length) - 9;
  const place = fc.oneof(fc.nat(64), fc.nat(last), fc.integer({ min: last - 8 * 64, max: last }));
  const damage = fc.array(fc.tuple(place, hostileNumber), { maxLength: 6 });
  const regions = fc.oneof(fc.constant(planned), regionsOf(OLD.length, NEXT.length));
  fc.assert(
    fc.property(damage, damage, regions, (oldDamage, newDamage, chosen) => {
      expectRoundTrip(withDamage(OLD, oldDamage), chosen, withDamage(NEXT, newDamage));
    }),
    { numRuns: 100 },
  );
});
