import { expect, test } from 'vitest';
import { listCandidates } from './candidates.ts';
import type { Ending } from './ending.ts';
import { createModel, type EngineChoice } from './engines.ts';
import type { GzipHeader } from './gzip.ts';

const HEADERS: readonly GzipHeader[] = [0, 3, 255].flatMap((operatingSystem) =>
  [0, 2, 4].flatMap((extraFlags) =>
    [0, 0x886e0900].map((mtime) => ({ bytes: new Uint8Array(10), mtime, extraFlags, operatingSystem })),
  ),
);

const ENDINGS: readonly Ending[] = ['stored', 'fixed', 'flushed', 'data'];
const CUT = { type: 'dynamic', tokenCount: 7, plainBytes: 99, isCut: true } as const;

test('every candidate is an engine that exists, and none is tried twice', () => {
  const seen = new Map<string, EngineChoice>();
  for (const header of HEADERS) {
    for (const ending of ENDINGS) {
      const candidates = listCandidates({ header, first: CUT, ending, breaks: [1 << 19, 3 << 19] });
      const keys = candidates.map((choice) => JSON.stringify(choice));
      expect(new Set(keys).size).toBe(candidates.length);
      expect(candidates.length).toBeGreaterThan(30);
      for (const [index, key] of keys.entries()) seen.set(key, candidates[index]!);
    }
  }
  for (const choice of seen.values())
    expect(() => createModel(choice, () => {}, new Uint8Array(0))).not.toThrow();
});

test('the place where the first block ends leaves few', () => {
  const tokens = (tokenCount: number, plainBytes: number, ending: Ending) =>
    listCandidates({
      header: HEADERS[0]!,
      first: { type: 'dynamic', tokenCount, plainBytes, isCut: false },
      ending,
      breaks: [],
    });
  const engines = (...args: Parameters<typeof tokens>) =>
    new Set(tokens(...args).map(({ engine }) => engine));
  expect(tokens(1 << 14, 99_999, 'stored').length).toBeLessThan(20);
  expect(engines(1 << 14, 99_999, 'stored')).toContain(1);
  expect(engines(0x3fff, 99_999, 'data')).toEqual(new Set([4, 5]));
  expect(engines(20_001, 131_070, 'fixed')).toEqual(new Set([2]));
  expect(engines(20_001, 131_070, 'flushed')).toEqual(new Set([2, 3]));
});

test('how the stream ends leaves the encoders that can end so', () => {
  const header = HEADERS[0]!;
  const engines = (ending: Ending) =>
    new Set(listCandidates({ header, first: CUT, ending, breaks: [] }).map(({ engine }) => engine));
  expect(engines('stored')).toEqual(new Set([1, 4, 5]));
  expect(engines('fixed')).toEqual(new Set([2, 4, 5]));
  expect(engines('flushed')).toEqual(new Set([2, 3, 4, 5]));
  expect(engines('data')).toEqual(new Set([4, 5]));
});

test('where empty blocks are gives the sizes of blocks', () => {
  const first = { type: 'dynamic', tokenCount: 40_000, plainBytes: 3 << 15, isCut: true } as const;
  const blocks = (...breaks: number[]) => {
    const all = listCandidates({ header: HEADERS[0]!, first, ending: 'data', breaks });
    return new Set(all.filter(({ engine }) => engine === 5).map(({ parameters }) => parameters[2]));
  };
  expect(blocks()).toEqual(new Set([1 << 17]));
  expect(blocks(6 << 15, 9 << 15, 12 << 15)).toEqual(new Set([3 << 15, 3 << 14, 1 << 15]));
  expect(blocks(1 << 16, (1 << 16) + 7)).toEqual(new Set([1 << 17]));
});
