/** What `--effort` and `--threads` may change, and what not. Every patch made here was proved by `create` itself. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MAX_EFFORT } from '../../src/create/effort.ts';
import { DidiffError } from '../../src/errors.ts';
import { failureOf, type MakeOptions, makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { GOLDEN_PAIRS, type GoldenPair } from '../golden/pairs.ts';

const workshop = openWorkshop();

function writePair({ base, target }: GoldenPair) {
  return {
    base: writeFixture(workshop, 'docker-archive', base),
    target: writeFixture(workshop, 'docker-archive', target),
  };
}

const stored = GOLDEN_PAIRS.map((pair) => ({ name: pair.name, ...writePair(pair) }));

async function patchOf({ base, target }: (typeof stored)[number], options: MakeOptions): Promise<Uint8Array> {
  const path = workshop.newPath('patch');
  await makePatch(workshop, base, target, path, options);
  return readFileSync(path);
}

async function totalBytes(effort: number): Promise<number> {
  let total = 0;
  for (const pair of stored) total += (await patchOf(pair, { effort })).length;
  return total;
}

test('every level makes patches that are proved, the slow end smaller ones than the fast end', async () => {
  const sizes: number[] = [];
  for (let effort = 1; effort <= MAX_EFFORT; effort++) sizes.push(await totalBytes(effort));
  expect(sizes[5]).toBeLessThan(sizes[0]!);
  expect(sizes[8]).toBeLessThanOrEqual(sizes[0]!);
  expect(await totalBytes(6)).toBe(sizes[5]);
});

test('the patch does not depend on the number of threads', async () => {
  for (const pair of stored) {
    const alone = await patchOf(pair, { threads: 1 });
    for (const threads of [2, 7]) expect(Buffer.compare(await patchOf(pair, { threads }), alone)).toBe(0);
  }
});

test.each([
  [{ effort: 0 }, /there is no effort 0: expected a whole number from 1 to 9/],
  [{ effort: 10 }, /there is no effort 10/],
  [{ effort: 1.5 }, /there is no effort 1\.5/],
  [{ threads: 0 }, /there can't be 0 threads/],
  [{ threads: Number.NaN }, /there can't be NaN threads/],
])('%o is refused', async (options, message) => {
  const failure = await failureOf(patchOf(stored[0]!, options));
  expect(failure).toBeInstanceOf(DidiffError);
  expect(failure).toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) });
});
