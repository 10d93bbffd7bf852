import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededBytes } from '../../test/fixtures/random.ts';
import { bytesAccess } from './access.ts';
import { cachePages } from './page-cache.ts';

const bytes = seededBytes(1, 300_000);

test('whatever is read, in whatever order, is what the source has', () => {
  const reads = fc.array(fc.tuple(fc.nat(bytes.length), fc.nat(12_000)), { maxLength: 50 });
  fc.assert(
    fc.property(reads, fc.integer({ min: 1, max: 3 }), (places, pages) => {
      const cached = cachePages(bytesAccess(bytes), pages);
      expect(cached.sizeBytes).toBe(bytes.length);
      for (const [position, wanted] of places) {
        const into = new Uint8Array(Math.min(wanted, bytes.length - position));
        cached.readAt(position, into);
        expect(Buffer.compare(into, bytes.subarray(position, position + into.length))).toBe(0);
      }
    }),
  );
});

test('small pieces side by side are read from the source once', () => {
  let reads = 0;
  const source = bytesAccess(bytes);
  const counting = {
    ...source,
    readAt(position: number, into: Uint8Array) {
      reads++;
      source.readAt(position, into);
    },
  };
  const cached = cachePages(counting);
  const piece = new Uint8Array(100);
  for (let at = 0; at + piece.length <= bytes.length; at += piece.length) cached.readAt(at, piece);
  expect(reads).toBeLessThan(12);
});

test('reading past the end throws, as from the source', () => {
  const cached = cachePages(bytesAccess(bytes));
  expect(() => cached.readAt(bytes.length - 4, new Uint8Array(5))).toThrow(RangeError);
  expect(() => cached.readAt(-1, new Uint8Array(1))).toThrow(RangeError);
});

test('a read that failed is tried again', () => {
  let isBroken = true;
  const source = bytesAccess(bytes);
  const cached = cachePages({
    ...source,
    readAt(position, into) {
      if (isBroken) throw new Error('broken');
      source.readAt(position, into);
    },
  });
  const into = new Uint8Array(10);
  expect(() => cached.readAt(0, into)).toThrow('broken');
  isBroken = false;
  cached.readAt(0, into);
  expect(Buffer.compare(into, bytes.subarray(0, 10))).toBe(0);
});
