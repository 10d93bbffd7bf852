/** pgzip's blocks on two threads, from the built program: threads can't run the sources. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pgzip } from '../../src/deflate/engines.ts';
import { encodeRecipe } from '../../src/deflate/recipe.ts';
import type * as Recreate from '../../src/deflate/recreate.ts';
import { openRecreation } from '../../src/deflate/recreate.ts';

const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 9, 0x6e, 0x88, 0, 0xff);
/** From here on two threads are used. */
const LEAST = 8 << 20;

describe('blocks on two threads', () => {
  const root = mkdtempSync(join(tmpdir(), 'didiff-blocks-'));
  let built: typeof Recreate;
  beforeAll(async () => {
    writeFileSync(join(root, 'package.json'), '{"type":"module","version":"1.0.0"}');
    symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
    execFileSync(process.execPath, ['scripts/build.mjs', join(root, 'dist')], { stdio: 'inherit' });
    built = await import(join(root, 'dist/deflate/recreate.js'));
  }, 120_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test.each([
    ['level 5, ending with a block', 5, 1, 1 << 20, LEAST],
    ['level 5, a byte more', 5, 0, 1 << 20, LEAST + 1],
    ['level 1, small blocks', 1, 1, 1 << 18, LEAST + 12_345],
    ['level 6', 6, 1, 1 << 20, LEAST + 700_000],
    ['stored', 0, 0, 1 << 18, LEAST + 5],
    ['Huffman codes only', -2, 0, 1 << 20, LEAST + 99],
  ])(
    'come out as on one: %s',
    async (_, level, variant, blockBytes, size) => {
      const plain = textOf(size);
      const expected = alone(level, variant, blockBytes, plain);
      expect(gunzipSync(expected).equals(plain)).toBe(true);
      const recipe = recipeFor(level, variant, blockBytes, size, expected.length);
      const together = await gather(built.recreateBlob(recipe, cut(plain), { threads: 2 }));
      expect(together.equals(expected)).toBe(true);
    },
    60_000,
  );

  test('end at once, thread and all, when they are not wanted any more', async () => {
    const plain = textOf(LEAST);
    const stop = new AbortController();
    const recipe = recipeFor(5, 1, 1 << 20, plain.length, plain.length * 2);
    const before = process.getActiveResourcesInfo().length;
    const made = async () => {
      for await (const piece of built.recreateBlob(recipe, cut(plain), { threads: 2, signal: stop.signal }))
        if (piece.length > 1000) stop.abort(new Error('enough'));
    };
    await expect(made()).rejects.toThrow('enough');
    const left = built.recreateBlob(recipe, cut(plain), { threads: 2 });
    await left.next();
    await left.return(undefined);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before + 1);
  }, 60_000);

  test('are held to the sizes that the recipe says', async () => {
    const plain = textOf(LEAST);
    const follow = async (plainBytes: number, blobBytes: number) => {
      const recipe = recipeFor(5, 1, 1 << 20, plainBytes, blobBytes);
      for await (const _ of built.recreateBlob(recipe, cut(plain), { threads: 2 }));
    };
    await expect(follow(LEAST, 1 << 20)).rejects.toThrow(/more than the 1048576 bytes/);
    await expect(follow(LEAST, LEAST)).rejects.toThrow(/bytes less than/);
    await expect(follow(LEAST + 1, LEAST)).rejects.toThrow(/a layer tar ended after/);
    await expect(follow(LEAST - 1, LEAST)).rejects.toThrow();
  }, 60_000);
});

function recipeFor(level: number, variant: number, block: number, plainBytes: number, blobBytes: number) {
  return encodeRecipe({
    engine: pgzip(level, variant, block),
    blobBytes,
    plainBytes,
    headers: [HEADER],
    events: [],
    oddTrailers: new Map(),
    tail: new Uint8Array(0),
    corrections: new Uint8Array(0),
  });
}

/** As the reference makes it. */
function alone(level: number, variant: number, block: number, plain: Uint8Array): Buffer {
  const pieces: Uint8Array[] = [];
  const recipe = recipeFor(level, variant, block, plain.length, 2 * plain.length);
  const recreation = openRecreation(recipe, (piece) => pieces.push(piece.slice()));
  recreation.write(plain);
  // Its size isn't known before it is made once.
  expect(() => recreation.finish()).toThrow(/bytes less than/);
  return Buffer.concat(pieces);
}

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(Buffer.from(piece));
  return Buffer.concat(all);
}

function* cut(plain: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < plain.length; at += 100_003) yield plain.subarray(at, at + 100_003);
}

/** Words of a small vocabulary, with noise among them. */
function textOf(size: number): Buffer {
  const text = Buffer.alloc(size);
  let state = size;
  for (let at = 0; at < size; ) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const word = state % 97 === 0 ? String(state) : `word${(state >>> 8) % 900} `;
    at += text.write(word, at, 'latin1');
  }
  return text;
}
