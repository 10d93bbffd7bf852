import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeTarHeaderDelta,
  encodeTarHeaderDelta,
  MAX_CODED_HEADER_BYTES,
  startHeaders,
} from './tar-header.ts';

function header(name: string, size: number, mtime: number): Uint8Array {
  const bytes = Buffer.alloc(512);
  bytes.write(name, 0);
  bytes.write('0000644\0' + '0000000\0' + '0000000\0', 100);
  bytes.write(
    `${size.toString(8).padStart(11, '0')}\0${mtime.toString(8).padStart(11, '0')}\0        0`,
    124,
  );
  bytes.write('ustar\x0000', 257);
  const sum = bytes.reduce((a, b) => a + b, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

function roundTrip(base: Uint8Array, target: Uint8Array): number {
  const coded = Uint8Array.from(encodeTarHeaderDelta(base, target, startHeaders()));
  const cursor = { bytes: coded, position: 0 };
  expect(Buffer.from(decodeTarHeaderDelta(base, cursor, startHeaders()))).toEqual(Buffer.from(target));
  expect(cursor.position).toBe(coded.length);
  return coded.length;
}

test('a header is rebuilt from any other, whatever the bytes', () => {
  const block = fc.uint8Array({ minLength: 512, maxLength: 512 });
  fc.assert(
    fc.property(block, block, (base, target) => {
      expect(roundTrip(base, target)).toBeLessThanOrEqual(MAX_CODED_HEADER_BYTES);
    }),
  );
});

test('headers of files are rebuilt, with names, sizes and times of any length', () => {
  const file = fc.record({
    name: fc.string({ minLength: 1, maxLength: 30 }),
    size: fc.nat(),
    mtime: fc.nat(),
  });
  fc.assert(
    fc.property(file, file, (a, b) => {
      roundTrip(header(a.name, a.size, a.mtime), header(b.name, b.size, b.mtime));
    }),
  );
});

test('a new time, size and checksum cost a few bytes, and the same shift of time nothing the second time', () => {
  expect(roundTrip(header('a', 100, 1000), header('a', 120, 5000))).toBeLessThanOrEqual(5);
  const state = startHeaders();
  encodeTarHeaderDelta(header('a', 1, 1000), header('a', 1, 5000), state);
  expect(encodeTarHeaderDelta(header('b', 1, 1100), header('b', 1, 5100), state)).toEqual([0]);
});

test('random differences are refused or decoded, never out of bounds', () => {
  const base = header('some/name', 100, 1000);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (coded) => {
      try {
        expect(decodeTarHeaderDelta(base, { bytes: coded, position: 0 }, startHeaders())).toHaveLength(512);
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT_INPUT' });
      }
    }),
  );
});
