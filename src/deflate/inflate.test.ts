import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededBytes } from '../../test/fixtures/random.ts';
import { bytesAccess } from '../bytes/access.ts';
import { Inflater } from './inflate.ts';

const BEFORE = Buffer.from('what stands before');
const BEHIND = Buffer.from('what stands behind, of any length');

/** The plain bytes, and where the stream ended in what it stood in. */
function inflate(coded: Uint8Array, mostBytes: number, inflater = new Inflater()) {
  const whole = bytesAccess(Buffer.concat([BEFORE, coded, BEHIND]));
  const pieces: Uint8Array[] = [];
  const { plainBytes, end } = inflater.inflate(whole, BEFORE.length, mostBytes, (piece) => {
    pieces.push(Uint8Array.from(piece));
  });
  const plain = Buffer.concat(pieces);
  expect(plainBytes).toBe(plain.length);
  return { plain, end: end - BEFORE.length };
}

/** Some of it repeats, some does not. */
function content(size: number): Buffer {
  const noise = seededBytes(size + 1, Math.ceil(size / 3));
  return Buffer.concat([noise, noise, noise]).subarray(0, size);
}

test('a stream comes out whole and ends where it does, short or long, with one inflater for all', () => {
  const inflater = new Inflater();
  const strategies = [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY];
  for (const size of [0, 1, 300, 40_000, 1 << 15, 98_304, 700_000, 40, 2_000_000, 7])
    for (const strategy of strategies)
      for (const level of [0, 1, 9]) {
        const plain = content(size);
        const coded = deflateRawSync(plain, { level, strategy });
        const found = inflate(coded, size + 1, inflater);
        expect(found.plain.equals(plain)).toBe(true);
        expect(found.end).toBe(coded.length);
      }
});

test('no more comes out than may, of a short stream and of a bomb', () => {
  for (const size of [10, 5000, 1 << 19, 5_000_000]) {
    const coded = deflateRawSync(Buffer.alloc(size));
    expect(inflate(coded, size).plain).toHaveLength(size);
    for (const most of [size - 1, 1, 0]) expect(() => inflate(coded, most)).toThrow(/expands to more than/);
  }
});

test('a stream that is cut short or changed is refused, or is another stream: never is less of it taken', () => {
  const plain = content(3000);
  const coded = deflateRawSync(plain);
  for (let at = 0; at < coded.length; at += 37)
    expect(() => {
      const cut = bytesAccess(coded.subarray(0, at));
      new Inflater().inflate(cut, 0, 1 << 20, () => {});
    }).toThrow(expect.objectContaining({ code: 'CORRUPT_INPUT' }));
  fc.assert(
    fc.property(fc.nat(coded.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(coded);
      changed[at]! ^= by;
      try {
        expect(inflate(changed, 1 << 20).plain.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT_INPUT' });
      }
    }),
  );
});
