import { expect, test } from 'vitest';
import { seededBytes } from '../../test/fixtures/random.ts';
import { bytesAccess } from '../bytes/access.ts';
import type { Catalog } from '../create/catalog.ts';
import { NO_ANCHORS } from '../create/choose-parts.ts';
import { openMatcher } from '../kernels/matcher.ts';
import { CLASS_ARCHIVE, executableBytes } from './coding.ts';
import { ROUGH_EFFORT } from './contents.ts';
import { matchRoughly } from './executables.ts';

const X86_64 = 62;

/** Bytes that begin as an ELF file for x86-64 does. */
function program(seed: number, sizeBytes: number): Buffer {
  const file = Buffer.from(seededBytes(seed, sizeBytes));
  file.fill(0, 0, 64);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  file[18] = X86_64;
  return file;
}

async function match(old: Uint8Array, next: Uint8Array) {
  const space = bytesAccess(old);
  const catalog = { space, files: [], opened: [] } as unknown as Catalog;
  const context = { catalog, anchors: NO_ANCHORS, matcher: openMatcher(), effort: ROUGH_EFFORT };
  const earlier = { address: 0, sizeBytes: old.length };
  return await matchRoughly(bytesAccess(next), earlier, {
    ...context,
    tick: async () => {},
    digests: new Map(),
  });
}

test('one that hardly differs in place is not matched', async () => {
  const old = program(1, 200_000);
  const next = Buffer.from(old);
  for (let at = 1000; at < 101_000; at += 1000) next[at]! ^= 1;
  expect(await match(old, next)).toEqual({
    newBytes: 0,
    regions: 1,
    differing: 100,
    machine: X86_64,
  });
});

test('what is new in one is counted, once', async () => {
  const old = program(2, 1_500_000);
  const fresh = seededBytes(3, 40_000);
  const next = Buffer.concat([old.subarray(0, 700_000), fresh, old.subarray(700_000)]);
  const { newBytes, regions } = await match(old, next);
  expect(newBytes / fresh.length).toBeGreaterThan(0.98);
  expect(newBytes / fresh.length).toBeLessThan(1.05);
  expect(regions).toBeGreaterThanOrEqual(2);
  expect(regions).toBeLessThan(8);
});

test('an archive of Java classes is taken for no machine, and to leave less', async () => {
  const old = program(6, 300_000);
  const next = Buffer.concat([old.subarray(0, 100_000), seededBytes(7, 30_000), old.subarray(100_000)]);
  for (const file of [old, next]) file.set([0xa2, 0xab, 0x0b, 0xf0]);
  const found = await match(old, next);
  expect(found.machine).toBe(CLASS_ARCHIVE);
  expect(executableBytes(found)).toBeLessThan(executableBytes({ ...found, machine: X86_64 }) / 2);
});
