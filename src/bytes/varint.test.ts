import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeVarint, MAX_VARINT_BYTES, readVarint, unzigzag, zigzag } from './varint.ts';

const read = (...bytes: readonly number[]) =>
  readVarint({ bytes: Uint8Array.from(bytes), position: 0 }, 'a number');

test('every number comes back, from where it stands, in at most eight bytes', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.uint8Array({ maxLength: 5 }), (value, before) => {
      const encoded = encodeVarint(value);
      expect(encoded.length).toBeLessThanOrEqual(MAX_VARINT_BYTES);
      const cursor = { bytes: Buffer.concat([before, encoded, before]), position: before.length };
      expect(readVarint(cursor, 'a number')).toBe(value);
      expect(cursor.position).toBe(before.length + encoded.length);
    }),
  );
});

test('whatever is read is what encoding it gives: each number has one form', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 10 }), (bytes) => {
      const cursor = { bytes, position: 0 };
      let value: number;
      try {
        value = readVarint(cursor, 'a number');
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT_INPUT' });
        return;
      }
      expect(Buffer.compare(encodeVarint(value), bytes.subarray(0, cursor.position))).toBe(0);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  [0, [0]],
  [127, [127]],
  [128, [0x80, 1]],
  [300, [0xac, 2]],
  [2 ** 32, [0x80, 0x80, 0x80, 0x80, 0x10]],
  [Number.MAX_SAFE_INTEGER, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
])('%d is written as %o', (value, bytes) => {
  expect([...encodeVarint(value)]).toEqual(bytes);
  expect(read(...bytes)).toBe(value);
});

test.each([
  ['nothing', [], /cut short/],
  ['a number without its end', [0x80], /cut short/],
  ['zero in two bytes', [0x80, 0], /shortest form/],
  ['one in three bytes', [0x81, 0x80, 0], /shortest form/],
  ['2^53', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], /larger than 2\^53/],
  ['nine bytes', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], /larger than 2\^53/],
])('%s is refused', (_, bytes, message) => {
  expect(() => read(...bytes)).toThrow(message);
});

describe('zigzag', () => {
  test('small numbers of both signs are small', () => {
    expect([0, -1, 1, -2, 2].map(zigzag)).toEqual([0, 1, 2, 3, 4]);
  });

  test('every signed number comes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }), (value) => {
        expect(unzigzag(zigzag(value))).toBe(value);
        expect(zigzag(unzigzag(Math.abs(value)))).toBe(Math.abs(value));
      }),
    );
  });
});
