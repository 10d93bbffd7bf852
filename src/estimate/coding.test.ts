import { expect, test } from 'vitest';
import { STREAM_BINARY, STREAM_TEXT } from '../patch/format.ts';
import { bytesOf } from './coding.ts';

test('a stream takes a part of what the fast coder makes of it, and a long one a smaller part', () => {
  const [short, long] = [bytesOf(STREAM_TEXT, 10_000, 2000), bytesOf(STREAM_TEXT, 1_000_000, 200_000)];
  expect(short).toBeLessThan(2000);
  expect(long / 200_000).toBeLessThan(short / 2000);
});

test('noise takes all of its bytes, and never more', () => {
  expect(bytesOf(STREAM_BINARY, 10_000, 10_000)).toBe(10_000);
  expect(bytesOf(STREAM_BINARY, 10_000, 10_050)).toBe(10_000);
  expect(bytesOf(STREAM_BINARY, 0, 0)).toBe(0);
});
