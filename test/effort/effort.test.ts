/** What `--effort` and `--threads` may change, and what not. Every patch made here was proved by `create` itself. */
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { bytesAccess, readRange } from '../../src/bytes/access.ts';
import { brotliSettings, encodeBrotli } from '../../src/codec/stream-encoder.ts';
import { openEarlyCoders } from '../../src/create/early-coder.ts';
import { effortOf, MAX_EFFORT } from '../../src/create/effort.ts';
import { openSpool } from '../../src/create/spool.ts';
import { DidiffError } from '../../src/errors.ts';
import { buildImage } from '../fixtures/images.ts';
import { failureOf, type MakeOptions, makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { seededText } from '../fixtures/random.ts';
import { GOLDEN_PAIRS, type GoldenPair } from '../golden/pairs.ts';
import { file, layer } from '../scenarios/scenario.ts';

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

/** A few that take little time, one with an executable. */
const FEW = ['small layers', 'text in some lines', 'an executable with a function put in'];

async function totalBytes(effort: number): Promise<number> {
  let total = 0;
  for (const pair of stored.filter(({ name }) => FEW.includes(name)))
    total += (await patchOf(pair, { effort })).length;
  return total;
}

test('every level makes patches that are proved, the slow end smaller ones than the fast end', {
  timeout: 300_000,
}, async () => {
  const sizes: number[] = [];
  for (let effort = 1; effort <= MAX_EFFORT; effort++) sizes.push(await totalBytes(effort));
  expect(sizes[5]).toBeLessThan(sizes[0]!);
  expect(sizes[8]).toBeLessThanOrEqual(sizes[0]!);
});

test('the patch does not depend on the number of threads', { timeout: 300_000 }, async () => {
  for (const pair of stored) {
    const alone = await patchOf(pair, { threads: 1 });
    for (const threads of [2, 7]) expect(Buffer.compare(await patchOf(pair, { threads }), alone)).toBe(0);
  }
});

test('nor on whether a large stream is coded while it still grows', async () => {
  const text = (seed: number) =>
    Buffer.concat(Array.from({ length: 80 }, (_, at) => seededText(seed + at, 40_000)));
  const files = Array.from({ length: 6 }, (_, at) => file(`new/${at}`, text(100 * at).subarray(0, 600_000)));
  const pair = writePair({
    name: 'much new text',
    base: buildImage({ seed: 1, label: 'base', layers: [layer(file('old', seededText(1, 1000)))] }),
    target: buildImage({ seed: 1, label: 'target', layers: [layer(...files)] }),
  });
  const alone = await patchOf({ name: '', ...pair }, { threads: 1, effort: 5 });
  expect(Buffer.compare(await patchOf({ name: '', ...pair }, { threads: 2, effort: 5 }), alone)).toBe(0);
});

test('large streams are coded as if they had been whole, or not at all', async () => {
  const effort = { ...effortOf(6), recalledTextBytes: 0, brotli: { best: 4 << 20, good: 6 << 20, rest: 9 } };
  for (const megabytes of [4, 5, 6, 7]) {
    const early = openEarlyCoders(effort, workshop.tempDirectory);
    const spool = openSpool(workshop.tempDirectory);
    const bytes = Buffer.alloc(megabytes * (1 << 20), seededText(3, 50_021));
    for (let at = 0; at < bytes.length; at += 100_000) {
      spool.append(bytes.subarray(at, at + 100_000), at);
      early.feed(spool);
      await setImmediate();
    }
    const coded = await early.take(spool);
    expect(coded !== undefined).toBe(megabytes > 4 && megabytes <= 6);
    if (coded !== undefined) {
      const whole: Uint8Array[] = [];
      const settings = brotliSettings(bytes.length, effort.brotli);
      for await (const piece of encodeBrotli(bytesAccess(bytes), settings, undefined)) whole.push(piece);
      expect(
        Buffer.compare(readRange(coded, 0, coded.sizeBytes, coded.sizeBytes), Buffer.concat(whole)),
      ).toBe(0);
      coded.close();
    }
    early.close();
    spool.close();
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
