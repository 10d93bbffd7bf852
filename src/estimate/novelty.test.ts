import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededBytes } from '../../test/fixtures/random.ts';
import { bytesAccess } from '../bytes/access.ts';
import { measureNovelty } from './novelty.ts';

const measure = (next: Uint8Array, old: Uint8Array | undefined) =>
  measureNovelty(bytesAccess(next), old && bytesAccess(old));

test('nothing is new in what was moved, and all of it without an earlier version', () => {
  const old = seededBytes(1, 64 << 10);
  const moved = Buffer.concat([seededBytes(2, 7), old.subarray(5)]);
  expect(measure(old, old)).toBe(0);
  expect(measure(moved, old)).toBeLessThan(100);
  expect(measure(old, undefined)).toBe(old.length);
  expect(measure(seededBytes(3, 4096), old)).toBe(4096);
});

test('it goes with what was changed', () => {
  const old = seededBytes(4, 256 << 10);
  const changed = (edits: number) => {
    const next = Uint8Array.from(old);
    for (let i = 0; i < edits; i++) next[(i * 7919) % next.length]! ^= 1;
    return measure(next, old);
  };
  expect(changed(10)).toBe(160);
  expect(changed(100)).toBe(1600);
});

test('it is never more than the file, whatever the two hold', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(new Uint8Array(300)));
  fc.assert(
    fc.property(bytes, bytes, (next, old) => {
      const fresh = measure(next, old);
      expect(fresh).toBeGreaterThanOrEqual(0);
      expect(fresh).toBeLessThanOrEqual(next.length);
    }),
  );
});
