import { expect, test } from 'vitest';
import { bytesAccess } from '../../bytes/access.ts';
import { openOldBytes } from './old-bytes.ts';

/** More pages than the cache holds, so that they take turns. */
const SIZE = (300 << 14) + 5;
const bytes = Buffer.alloc(SIZE);
for (let i = 0; i < SIZE; i++) bytes[i] = (Math.imul(i, 0x9e3779b1) >>> 24) ^ (i & 0xff);

test('numbers are what stands there, across pages and at the ends', () => {
  const old = openOldBytes(bytesAccess(bytes));
  for (const at of [
    0,
    1,
    (1 << 14) - 3,
    (1 << 14) - 1,
    256 << 14,
    (256 << 14) - 2,
    SIZE - 8,
    7,
    (299 << 14) - 1,
  ]) {
    expect(old.u8(at)).toBe(bytes[at]);
    expect(old.u16(at)).toBe(bytes.readUInt16LE(at));
    expect(old.u32(at)).toBe(bytes.readUInt32LE(at));
    expect(old.i32(at)).toBe(bytes.readInt32LE(at));
    expect(old.u64(at)).toBe(Number(bytes.readBigUInt64LE(at)));
  }
});

test('outside of the file everything is zero', () => {
  const old = openOldBytes(bytesAccess(bytes.subarray(0, 10)));
  expect([old.u8(-1), old.u8(10), old.u32(2 ** 60), old.u64(-8)]).toEqual([0, 0, 0, 0]);
  expect(old.u16(9)).toBe(bytes[9]);
  const into = new Uint8Array(6).fill(9);
  old.copy(8, into);
  expect([...into]).toEqual([bytes[8], bytes[9], 0, 0, 0, 0]);
  old.copy(-4, into);
  expect([...into]).toEqual([0, 0, 0, 0, bytes[0], bytes[1]]);
  old.copy(2 ** 53, into);
  expect([...into]).toEqual([0, 0, 0, 0, 0, 0]);
});

test('stretches short and long are what stands there, across pages and at the ends', () => {
  const old = openOldBytes(bytesAccess(bytes));
  for (const [at, length] of [
    [0, 24],
    [(1 << 14) - 5, 24],
    [(256 << 14) - 1, 3000],
    [(7 << 14) - 4000, 4096],
    [5, 100_000],
    [SIZE - 24, 24],
  ] as const) {
    const into = new Uint8Array(length);
    old.copy(at, into);
    expect(Buffer.compare(into, bytes.subarray(at, at + length))).toBe(0);
  }
});
