/** Predicts files as both sides of a patch do, and compares what they make. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { bytesAccess } from '../../src/bytes/access.ts';
import { findRegions, indexOld, type Region } from '../../src/kernels/match.ts';
import { openElfLabeller } from '../../src/predict/elf/labels.ts';
import { planElfRegions } from '../../src/predict/elf/plan.ts';
import { openElfPredictor, STEP_BYTES } from '../../src/predict/elf/predictor.ts';

interface Residual {
  /** New offset and difference of each byte that was predicted wrongly. */
  readonly wrong: readonly (readonly [at: number, difference: number])[];
}

/** Walks the regions as both sides do; `correct` gets the new offset of `bytes` and makes them true. */
function walk(
  old: Uint8Array,
  regions: readonly Region[],
  next: Uint8Array,
  correct: (at: number, bytes: Uint8Array) => void,
): Uint8Array | undefined {
  const predictor = openElfPredictor(bytesAccess(old), regions, next.length);
  if (predictor === undefined) return undefined;
  const out = new Uint8Array(next.length);
  const buffer = new Uint8Array(STEP_BYTES);
  let at = 0;
  const literal = (end: number) => {
    out.set(next.subarray(at, end), at);
    predictor.literal(at, next.subarray(at, end));
    at = end;
  };
  for (const [index, region] of regions.entries()) {
    literal(region.newStart);
    predictor.startRegion(index);
    for (;;) {
      let fixed = 0;
      const count = predictor.step(buffer, (from, to) => {
        if (from !== fixed || to < from) throw new Error(`corrects ${from} to ${to} after ${fixed}`);
        fixed = to;
        correct(at + from, buffer.subarray(from, to));
      });
      expect(fixed).toBe(count);
      if (count === 0) break;
      out.set(buffer.subarray(0, count), at);
      at += count;
    }
    expect(at).toBe(region.newStart + region.length);
  }
  literal(next.length);
  return out;
}

function encode(old: Uint8Array, regions: readonly Region[], next: Uint8Array): Residual | undefined {
  const wrong: [number, number][] = [];
  const out = walk(old, regions, next, (at, bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      const difference = (next[at + i]! - bytes[i]!) & 0xff;
      if (difference !== 0) wrong.push([at + i, difference]);
    }
    bytes.set(next.subarray(at, at + bytes.length));
  });
  return out && { wrong };
}

/** Knows `next` only where no region is. */
function decode(old: Uint8Array, regions: readonly Region[], next: Uint8Array, residual: Residual) {
  const literals = next.slice();
  for (const { newStart, length } of regions) literals.fill(0xa5, newStart, newStart + length);
  let used = 0;
  return walk(old, regions, literals, (at, bytes) => {
    for (; used < residual.wrong.length && residual.wrong[used]![0] < at + bytes.length; used++)
      bytes[residual.wrong[used]![0] - at]! += residual.wrong[used]![1];
  });
}

/** Fails unless the reader's side makes `next`; answers how many bytes were predicted wrongly, -1 when none is predicted. */
export function expectRoundTrip(old: Uint8Array, regions: readonly Region[], next: Uint8Array): number {
  const residual = encode(old, regions, next);
  if (residual === undefined) return -1;
  const rebuilt = decode(old, regions, next, residual)!;
  expect(Buffer.compare(rebuilt, next)).toBe(0);
  return residual.wrong.length;
}

/** How many bytes of the regions differ. */
export function countPlain(old: Uint8Array, regions: readonly Region[], next: Uint8Array): number {
  let wrong = 0;
  for (const { newStart, oldStart, length } of regions)
    for (let i = 0; i < length; i++) if (old[oldStart + i] !== next[newStart + i]) wrong++;
  return wrong;
}

/** As the side that makes patches does it: match, label, match again, plan. */
export function match(old: Uint8Array, next: Uint8Array): readonly Region[] {
  const [base, target] = [bytesAccess(old), bytesAccess(next)];
  const labeller = openElfLabeller(base, target, findRegions(indexOld(old, 0), next))!;
  const [labelledOld, labelledNew] = [old.slice(), next.slice()];
  labeller.labelOld(0, labelledOld);
  labeller.labelNew(0, labelledNew);
  return planElfRegions(base, target, findRegions(indexOld(labelledOld, 0), labelledNew));
}

/** Any regions a hostile patch may have: in order of newStart, inside of both files. */
export function regionsOf(oldSize: number, newSize: number): fc.Arbitrary<readonly Region[]> {
  const piece = fc.record({
    gap: fc.nat(900),
    oldStart: fc.nat(oldSize - 1),
    length: fc.integer({ min: 1, max: 9000 }),
  });
  return fc.array(piece, { maxLength: 30 }).map((pieces) => {
    const regions: Region[] = [];
    let at = 0;
    for (const { gap, oldStart, length: wanted } of pieces) {
      const newStart = at + (gap % 3 === 0 ? 0 : gap);
      const length = Math.min(wanted, oldSize - oldStart, newSize - newStart);
      if (length <= 0) continue;
      regions.push({ newStart, oldStart, length });
      at = newStart + length;
    }
    return regions;
  });
}

/** Numbers that are wrong in interesting ways. */
export const hostileNumber = fc.oneof(
  fc.constantFrom(
    0n,
    1n,
    0xffffn,
    0x7fffffffn,
    0x80000000n,
    0xffffffffn,
    2n ** 53n,
    2n ** 63n,
    2n ** 64n - 1n,
  ),
  fc.bigInt({ min: 0n, max: 0x8000n }),
);

/** With numbers written over it. */
export function withDamage(bytes: Uint8Array, damage: readonly (readonly [number, bigint])[]): Uint8Array {
  const damaged = Buffer.from(bytes);
  for (const [at, number] of damage) damaged.writeBigUInt64LE(number, at);
  return new Uint8Array(damaged);
}
