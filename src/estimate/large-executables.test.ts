import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { seededBytes } from '../../test/fixtures/random.ts';
import { bytesAccess } from '../bytes/access.ts';
import { openProgramWriter } from '../create/program-writer.ts';
import { openMatcher } from '../kernels/matcher.ts';
import { BLOCK_BYTES, matchLargely } from './large-executables.ts';
import { explainBlocks } from './predicted.ts';

/** Bytes that begin as an ELF file does, and are none that prediction knows. */
function program(seed: number, sizeBytes: number): Buffer {
  const file = Buffer.from(seededBytes(seed, sizeBytes));
  file.fill(0, 0, 64);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  return file;
}

const nothing = async () => {};

async function match(old: Uint8Array, next: Uint8Array) {
  const earlier = { address: 0, sizeBytes: old.length };
  return await matchLargely(bytesAccess(old), bytesAccess(next), earlier, openMatcher(), nothing);
}

async function explain(old: Uint8Array, next: Uint8Array, blocks: readonly number[]) {
  const space = bytesAccess(old);
  const writer = openProgramWriter(space, tmpdir());
  const bench = { space, matcher: openMatcher(), writer, breathe: nothing };
  const earlier = { address: 0, sizeBytes: old.length };
  const leaves = await explainBlocks(bytesAccess(next), earlier, await match(old, next), blocks, bench);
  for (const stream of writer.finish().streams) stream.close();
  return leaves;
}

function totalOf(weights: Float64Array): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}

test('one that hardly differs in place weighs by what differs, where it does', async () => {
  const old = program(1, 7 << 20);
  const next = Buffer.from(old);
  for (let at = 3 * BLOCK_BYTES; at < 4 * BLOCK_BYTES; at += 1 << 8) next[at]! ^= 1;
  const { weights, differing, matches } = await match(old, next);
  expect(differing).toBe(BLOCK_BYTES >> 8);
  expect(weights[3]).toBe(differing);
  expect(totalOf(weights)).toBe(differing);
  expect(matches).toHaveLength(1);
});

test('what is new weighs in its block, and what moved by a megabyte hardly does', async () => {
  const old = program(2, 7 << 20);
  const at = 20 * BLOCK_BYTES;
  const next = Buffer.concat([old.subarray(0, at), seededBytes(3, 1 << 20), old.subarray(at)]);
  const { weights } = await match(old, next);
  const fresh = totalOf(weights.subarray(20, 28));
  expect(fresh / (0.4 * (1 << 20))).toBeGreaterThan(0.98);
  expect(totalOf(weights)).toBeLessThan(1.05 * fresh);
});

test('a block leaves what is new in it, and what differs', async () => {
  const old = program(4, 2 << 20);
  const fresh = seededBytes(5, 40_000);
  const at = 2 * BLOCK_BYTES + 50_000;
  const next = Buffer.concat([old.subarray(0, at), fresh, old.subarray(at)]);
  for (let place = 5 * BLOCK_BYTES + 100; place < 6 * BLOCK_BYTES; place += 1000) next[place]! ^= 1;
  const [same, grown, changed] = await explain(old, next, [1, 2, 5]);
  expect(same).toEqual({ regions: 1, newBytes: 0, differing: 0 });
  expect(grown!.newBytes / fresh.length).toBeGreaterThan(0.98);
  expect(grown!.newBytes / fresh.length).toBeLessThan(1.02);
  expect(changed!.differing).toBe(Math.ceil((BLOCK_BYTES - 100) / 1000));
  expect(changed!.newBytes).toBe(0);
});
