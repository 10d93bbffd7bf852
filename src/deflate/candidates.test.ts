import { expect, test } from 'vitest';
import { listCandidates } from './candidates.ts';
import { createModel } from './engines.ts';
import type { GzipHeader } from './gzip.ts';

const HEADERS: readonly GzipHeader[] = [0, 3, 255].flatMap((operatingSystem) =>
  [0, 2, 4].flatMap((extraFlags) =>
    [0, 0x886e0900].map((mtime) => ({ bytes: new Uint8Array(10), mtime, extraFlags, operatingSystem })),
  ),
);

test('every candidate is an engine that exists, and none is tried twice', () => {
  for (const header of HEADERS) {
    const first = { type: 'dynamic', tokenCount: 7, plainBytes: 99, isCut: true } as const;
    const candidates = listCandidates(header, first);
    for (const choice of candidates)
      expect(() => createModel(choice, () => {}, new Uint8Array(0))).not.toThrow();
    expect(new Set(candidates.map((choice) => JSON.stringify(choice))).size).toBe(candidates.length);
    expect(candidates.length).toBeGreaterThan(80);
  }
});

test('the place where the first block ends leaves few', () => {
  const header = HEADERS[0]!;
  const tokens = (tokenCount: number, plainBytes: number) =>
    listCandidates(header, { type: 'dynamic', tokenCount, plainBytes, isCut: false });
  expect(tokens(1 << 14, 99_999).map((choice) => choice.engine)).toEqual(expect.arrayContaining([1]));
  expect(tokens(1 << 14, 99_999).length).toBeLessThan(20);
  expect(tokens(0x3fff, 99_999).every((choice) => choice.engine >= 4)).toBe(true);
  expect(tokens(20_001, 131_070).every((choice) => choice.engine === 2 || choice.engine === 3)).toBe(true);
});
