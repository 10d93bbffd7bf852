import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layerLikeBytes, randomNumbers } from '../../test/deflate/plain.ts';
import { bytesAccess } from '../bytes/access.ts';
import { DidiffError } from '../errors.ts';
import { describeEngine, goLegacy, goModern, pgzip, pigz, setsMarkers, zlib } from './engines.ts';
import { findRecipe } from './find.ts';
import { decodeRecipe, encodeRecipe, type Recipe } from './recipe.ts';
import { openRecreation, recreateBlob, startRecreation } from './recreate.ts';

const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
const plain = layerLikeBytes(60_000, 3);

const base: Recipe = {
  engine: goLegacy(6),
  blobBytes: 1 << 20,
  plainBytes: plain.length,
  headers: [HEADER],
  events: [],
  oddTrailers: new Map(),
  tail: new Uint8Array(0),
  corrections: new Uint8Array(0),
};

/** How many bytes came out before it ended or failed with a DidiffError; other failures are passed on. */
function follow(recipe: Uint8Array, tar: Uint8Array): { bytes: number; code: string | undefined } {
  let bytes = 0;
  try {
    const recreation = openRecreation(recipe, (piece) => {
      bytes += piece.length;
    });
    recreation.write(tar);
    recreation.finish();
    return { bytes, code: undefined };
  } catch (error) {
    if (error instanceof DidiffError) return { bytes, code: error.code };
    throw error;
  }
}

describe('a recipe', () => {
  test('is read as it was written', () => {
    const recipes: Recipe[] = [
      base,
      { ...base, engine: pgzip(-2, 1, 1 << 18), tail: Uint8Array.of(1, 2, 3) },
      {
        ...base,
        engine: zlib(9, 1),
        headers: [HEADER, new Uint8Array(20)],
        events: [
          { plainOffset: 0, header: -1 },
          { plainOffset: 512, header: 1 },
          { plainOffset: 512, header: 0 },
          { plainOffset: 60_000, header: -1 },
        ],
        oddTrailers: new Map([
          [0, new Uint8Array(8).fill(7)],
          [2, new Uint8Array(8).fill(9)],
        ]),
      },
      {
        ...base,
        events: Array.from({ length: 300 }, (_, index) => ({ plainOffset: index * 99, header: -1 })),
      },
    ];
    for (const recipe of recipes) expect(decodeRecipe(encodeRecipe(recipe))).toEqual(recipe);
  });

  test('of an engine, version or parameters unknown here is refused by name', () => {
    const unknown = { ...base, engine: { engine: 99, version: 1, parameters: [] } };
    expect(() => openRecreation(encodeRecipe(unknown), () => {})).toThrow(/engine number 99/);
    const later = { ...base, engine: { ...base.engine, version: 2 } };
    expect(() => openRecreation(encodeRecipe(later), () => {})).toThrow(/go-legacy version 2/);
    for (const parameters of [[], [40], [12, 12]]) {
      const odd = { ...base, engine: { ...base.engine, parameters } };
      expect(follow(encodeRecipe(odd), plain).code).toBe('CORRUPT_INPUT');
    }
    expect(follow(Uint8Array.of(2, 0), plain).code).toBe('UNSUPPORTED');
  });

  test('never makes more than the blob it declares, nor follows another tar', () => {
    const small = encodeRecipe({ ...base, blobBytes: 100 });
    expect(follow(small, plain)).toMatchObject({ code: 'CORRUPT_INPUT' });
    expect(follow(small, plain).bytes).toBeLessThanOrEqual(100);
    const recipe = encodeRecipe(base);
    expect(follow(recipe, plain.subarray(1)).code).toBe('CORRUPT_INPUT');
    expect(follow(recipe, Buffer.concat([plain, plain])).code).toBe('CORRUPT_INPUT');
  });

  test('can not ask for members and flushes out of all proportion', () => {
    const events = Array.from({ length: 5000 }, () => ({ plainOffset: 0, header: 0 }));
    const recipe = encodeRecipe({ ...base, plainBytes: 1000, events });
    expect(() => decodeRecipe(recipe)).toThrow(/5000 members and flushes/);
  });

  test('that is damaged anywhere fails cleanly or makes no more than it says', async () => {
    const blob = gzipSync(plain, { memLevel: 3 });
    const found = await findRecipe(bytesAccess(blob), bytesAccess(plain));
    const events = Array.from({ length: 40 }, (_, at) => ({ plainOffset: at * 1000, header: (at % 2) - 1 }));
    for (const recipe of [encodeRecipe({ ...base, events, tail: new Uint8Array(9) }), found!.recipe]) {
      fc.assert(
        fc.property(fc.nat(recipe.length - 1), fc.nat(255), fc.boolean(), (at, value, isCut) => {
          const damaged = isCut ? recipe.slice(0, at) : Uint8Array.from(recipe);
          if (!isCut) damaged[at] = value;
          const { bytes } = follow(damaged, plain);
          return bytes <= 1 << 22;
        }),
        { numRuns: 150 },
      );
    }
  });
});

describe('as many members and flushes as a recipe may have', () => {
  const engines = [goLegacy(6), goLegacy(1), goLegacy(-2), goModern(1, 1), goModern(5, 1), goModern(9, 1)];
  engines.push(zlib(6, 0), zlib(1, 1), zlib(9, 2), zlib(6, 3), pgzip(5, 1, 1 << 15), pigz(6, 0, 1 << 15, 0));

  test.each(engines.map((engine) => [describeEngine(engine), engine] as const))('%s', (_, engine) => {
    const count = 4096 + Math.floor(plain.length / 256);
    const next = randomNumbers(9);
    const offsets = Array.from({ length: count }, () => next() % (plain.length + 1)).sort((a, b) => a - b);
    const events = offsets.map((plainOffset) => ({
      plainOffset,
      header: setsMarkers(engine) ? 0 : (next() % 2) - 1,
    }));
    expect(madeOf({ ...base, engine, events }, plain).equals(plain)).toBe(true);
  });

  test('crowded behind so many bytes that positions are counted to their end', () => {
    const long = new Uint8Array(18 << 20).fill(7);
    const count = 70_000;
    const events = Array.from({ length: count }, (_, index) => ({
      plainOffset: long.length - count + index,
      header: -1,
    }));
    const recipe = { ...base, engine: goModern(5, 1), plainBytes: long.length, blobBytes: 1 << 30, events };
    expect(madeOf(recipe, long).equals(long)).toBe(true);
  });
});

/** What gzip finds in the blob of a recipe whose blob size is more than enough. */
function madeOf(recipe: Recipe, tar: Uint8Array): Buffer {
  const pieces: Uint8Array[] = [];
  const recreation = startRecreation(recipe, (piece) => pieces.push(piece.slice()));
  recreation.write(tar);
  expect(() => recreation.finish()).toThrow(/bytes less than/);
  return gunzipSync(Buffer.concat(pieces));
}

test('re-creating stops when it is cancelled', async () => {
  const recipe = encodeRecipe({ ...base, plainBytes: 10 * plain.length });
  const controller = new AbortController();
  const tar = (function* () {
    for (let count = 0; count < 10; count++) {
      if (count === 3) controller.abort();
      yield plain;
    }
  })();
  const run = async () => {
    for await (const piece of recreateBlob(recipe, tar, { signal: controller.signal }))
      expect(piece).toBeDefined();
  };
  await expect(run()).rejects.toThrow(/abort/i);
});
