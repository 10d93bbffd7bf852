import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildElf } from '../../../test/predict/build-elf.ts';
import {
  countPlain,
  expectRoundTrip,
  hostileNumber,
  match,
  regionsOf,
  withDamage,
} from '../../../test/predict/round-trip.ts';
import { programSpec, withFunction } from '../../../test/predict/versions.ts';
import { bytesAccess } from '../../bytes/access.ts';
import { openElfLabeller } from './labels.ts';
import { measureRegions, planElfRegions } from './plan.ts';
import { openElfPredictor, STEP_BYTES } from './predictor.ts';

for (const machine of ['x86-64', 'aarch64'] as const) {
  test(`of ${machine} files that differ by one function, nearly every byte is predicted`, () => {
    const old = buildElf(programSpec(machine));
    const next = buildElf(withFunction(programSpec(machine)));
    const regions = match(old, next);
    const plain = countPlain(old, regions, next);
    const wrong = expectRoundTrip(old, regions, next);
    expect(plain).toBeGreaterThan(1500);
    expect(wrong).toBeLessThan(plain / 12);
    const [base, target] = [bytesAccess(old), bytesAccess(next)];
    expect(measureRegions(base, target, regions, true).wrong).toBe(wrong);
    expect(measureRegions(base, target, regions, false).wrong).toBe(plain);
    const covered = regions.reduce((sum, each) => sum + each.length, 0);
    expect(measureRegions(base, target, regions, true).literals).toBe(next.length - covered);
  });

  test(`of equal ${machine} files every byte is predicted`, () => {
    const old = buildElf(programSpec(machine));
    expect(expectRoundTrip(old, match(old, old), old)).toBe(0);
  });
}

test('labelled, code that only moved is equal', () => {
  const old = buildElf(programSpec('x86-64'));
  const next = buildElf(withFunction(programSpec('x86-64')));
  const regions = match(old, next);
  const labeller = openElfLabeller(bytesAccess(old), bytesAccess(next), regions)!;
  const labelledOld = old.slice();
  const labelledNew = next.slice();
  labeller.labelOld(0, labelledOld);
  labeller.labelNew(0, labelledNew);
  const code = sectionAt(next, 6);
  const inCode = regions.filter(
    (each) => each.newStart >= code && each.newStart + each.length < sectionAt(next, 7),
  );
  expect(countPlain(old, inCode, next)).toBeGreaterThan(300);
  expect(countPlain(labelledOld, inCode, labelledNew)).toBeLessThan(80);
  // Labelling a part gives what labelling the whole gives there.
  const part = next.slice(5000, 6000);
  labeller.labelNew(5000, part);
  const same = part.filter((byte, i) => byte === labelledNew[5000 + i]).length;
  expect(same).toBeGreaterThan(part.length - 8);
});

/** Where a section of the test's files begins; .text is number 6. */
function sectionAt(file: Uint8Array, section: number): number {
  const view = new DataView(file.buffer);
  return Number(view.getBigUint64(Number(view.getBigUint64(40, true)) + 64 * section + 24, true));
}

test('planned regions are in order, do not overlap and lie inside of both files', () => {
  const old = buildElf(programSpec('x86-64'));
  const next = buildElf(withFunction(programSpec('x86-64')));
  fc.assert(
    fc.property(regionsOf(old.length, next.length), (regions) => {
      let end = 0;
      for (const { newStart, oldStart, length } of planElfRegions(
        bytesAccess(old),
        bytesAccess(next),
        regions,
      )) {
        expect(newStart).toBeGreaterThanOrEqual(end);
        expect(length).toBeGreaterThan(0);
        expect(oldStart).toBeGreaterThanOrEqual(0);
        expect(oldStart + length).toBeLessThanOrEqual(old.length);
        end = newStart + length;
      }
      expect(end).toBeLessThanOrEqual(next.length);
    }),
  );
});

test('both sides agree on files damaged anywhere, with any regions', () => {
  for (const machine of ['x86-64', 'aarch64'] as const) {
    const old = buildElf(programSpec(machine));
    const next = buildElf(withFunction(programSpec(machine)));
    const place = fc.oneof(
      fc.nat(64 + 4 * 56),
      fc.nat(old.length - 9),
      fc.integer({ min: old.length - 12 * 64, max: old.length - 9 }),
    );
    const damage = fc.array(fc.tuple(place, hostileNumber), { maxLength: 6 });
    const planned = match(old, next);
    const regions = fc.oneof(fc.constant(planned), regionsOf(old.length, next.length));
    fc.assert(
      fc.property(damage, damage, regions, (oldDamage, newDamage, chosen) => {
        const damagedOld = withDamage(old, oldDamage);
        const damagedNew = withDamage(next, newDamage);
        expectRoundTrip(damagedOld, chosen, damagedNew);
      }),
      { numRuns: 60 },
    );
  }
});

test('both sides agree on random bytes behind an ELF header', () => {
  const whole = buildElf(programSpec('x86-64'));
  const bytes = fc.uint8Array({ minLength: 200, maxLength: 6000 });
  fc.assert(
    fc.property(bytes, bytes, fc.nat(12), (body, next, sections) => {
      const old = Uint8Array.from(body);
      old.set(whole.subarray(0, 64));
      const view = new DataView(old.buffer);
      view.setBigUint64(40, 64n, true);
      view.setUint16(60, sections, true);
      const length = Math.min(old.length, next.length);
      expectRoundTrip(old, [{ newStart: 0, oldStart: 0, length }], next);
    }),
  );
});

test('files cut anywhere are predicted alike or not at all', () => {
  const old = buildElf(programSpec('x86-64'));
  const next = buildElf(withFunction(programSpec('x86-64')));
  for (let size = 0; size < old.length; size += 997) {
    const cut = old.subarray(0, size);
    const length = Math.min(size, next.length);
    expectRoundTrip(cut, length === 0 ? [] : [{ newStart: 0, oldStart: 0, length }], next);
  }
});

test('what is not a linked 64-bit little-endian ELF file with sections is not predicted', () => {
  const elf = buildElf(programSpec('x86-64'));
  const open = (bytes: Uint8Array) => openElfPredictor(bytesAccess(bytes), [], 1000);
  expect(open(elf)).toBeDefined();
  expect(open(new Uint8Array(0))).toBeUndefined();
  expect(open(elf.subarray(0, 63))).toBeUndefined();
  for (const [at, value] of [
    [0, 0x7e],
    [4, 1],
    [5, 2],
    [16, 4],
    [60, 0],
    [61, 0xff],
  ] as const) {
    const other = elf.slice();
    other[at] = value;
    expect(open(other), `byte ${at}`).toBeUndefined();
  }
});

test('thousands of regions that begin with the same table take no longer than other regions', () => {
  const old = buildElf(programSpec('x86-64'));
  for (let section = 1; section <= 11; section++) {
    const oldStart = sectionAt(old, section);
    const count = 50_000;
    const regions = Array.from({ length: count }, (_, newStart) => ({ newStart, oldStart, length: 1 }));
    const predictor = openElfPredictor(bytesAccess(old), regions, count)!;
    const buffer = new Uint8Array(STEP_BYTES);
    const before = performance.now();
    for (let i = 0; i < count; i++) {
      predictor.startRegion(i);
      while (predictor.step(buffer, () => {}) > 0);
    }
    // Some microseconds for each, on a machine as slow as they come.
    expect(performance.now() - before).toBeLessThan(5_000);
  }
});
