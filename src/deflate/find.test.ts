import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { openGoOracle, type Step } from '../../test/deflate/go-oracle.ts';
import { layerLikeBytes, randomNumbers } from '../../test/deflate/plain.ts';
import { bytesAccess } from '../bytes/access.ts';
import { type FoundRecipe, findRecipe } from './find.ts';
import { gzipTrailer } from './gzip.ts';
import { recreateBlob } from './recreate.ts';
import { ZlibBlockWriter } from './zlib/block-writer.ts';
import { ZlibMatcher } from './zlib/matcher.ts';
import { matcherOptions } from './zlib/model.ts';

const go = openGoOracle('compress/gzip');
afterAll(() => go?.close());

async function find(blob: Uint8Array, plain: Uint8Array): Promise<FoundRecipe | undefined> {
  return findRecipe(bytesAccess(blob), bytesAccess(plain));
}

/** Finds the recipe and follows it, the tar coming in odd pieces. */
async function findAndFollow(blob: Uint8Array, plain: Uint8Array): Promise<FoundRecipe> {
  const found = await find(blob, plain);
  if (found === undefined) throw new Error('no recipe was found');
  const pieces: Uint8Array[] = [];
  const tar = Array.from({ length: Math.ceil(plain.length / 77_777) }, (_, index) =>
    plain.subarray(index * 77_777, (index + 1) * 77_777),
  );
  for await (const piece of recreateBlob(found.recipe, tar)) pieces.push(Uint8Array.from(piece));
  expect(Buffer.concat(pieces).equals(blob)).toBe(true);
  return found;
}

const samples = process.env['DIDIFF_GZIP_SAMPLES'] ?? '';

describe.skipIf(!existsSync(samples))('samples of real encoders (DIDIFF_GZIP_SAMPLES) come back', () => {
  const names = existsSync(samples) ? readdirSync(samples).filter((name) => name.endsWith('.gz')) : [];
  test.each(names)('%s, from a recipe of at most 60 bytes without corrections', async (name) => {
    const blob = readFileSync(join(samples, name));
    const found = await findAndFollow(blob, gunzipSync(blob));
    expect(found.recipe.length).toBeLessThanOrEqual(60);
    expect(found.correctionsBytes).toBe(0);
  });
});

const plain = layerLikeBytes(700_000, 77);
const PYTHON = 'import gzip,sys; sys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read(), LEVEL))';
const PROGRAMS: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['gzip', ['-nc', '-1'], /^GNU gzip, level 1$/],
  ['gzip', ['-c'], /^GNU gzip, level 6$/],
  ['gzip', ['-nc', '-9'], /^GNU gzip, level 9$/],
  ['pigz', ['-nc', '-p', '2'], /^pigz with zlib, level 6/],
  ['pigz', ['-c', '-9'], /^pigz with zlib, level 9/],
  ['python3', ['-c', PYTHON.replace('LEVEL', '6')], /^zlib, level 6$/],
  ['python3', ['-c', PYTHON.replace('LEVEL', '9')], /^zlib, level 9$/],
];

describe('what programs compress comes back from some dozen bytes', () => {
  for (const [program, args, model] of PROGRAMS) {
    const isThere = spawnSync(program, ['--version']).status === 0;
    test.skipIf(!isThere)(`${program} ${args.at(-1)}`, async () => {
      const blob = execFileSync(program, args, { input: plain, maxBuffer: 1 << 28 });
      const found = await findAndFollow(blob, plain);
      expect(found.model).toMatch(model);
      expect(found.recipe.length).toBeLessThanOrEqual(60);
    });
  }

  test('this Node, or at least with corrections of a tenth', async () => {
    const blob = gzipSync(plain);
    const found = await findAndFollow(blob, plain);
    expect(found.correctionsBytes).toBeLessThan(blob.length / 10);
  });
});

describe.skipIf(go === undefined)('what a Go program does to a stream comes back', () => {
  const marks: Step[] = [];
  for (let at = 0; at < plain.length; ) {
    const part = Math.min(plain.length - at, at % 3 === 0 ? 512 : 9_999);
    marks.push(part, 'flush');
    if (at % 2 === 0) marks.push('member');
    at += part;
  }

  test('flushes and members, as layers with an index inside have them, and their footer', async () => {
    const members = go!.gzip(plain, 9, marks);
    const extra = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 4, 0, 0x53, 0x47, 0, 0];
    const footer = Buffer.from([...extra, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    const found = await findAndFollow(Buffer.concat([members, footer]), plain);
    expect(found.flushCount).toBe(marks.filter((step) => step === 'flush').length);
    expect(found.memberCount).toBe(1 + marks.filter((step) => step === 'member').length);
    expect(found.correctionsBytes).toBe(0);
    expect(found.recipe.length).toBeLessThan(2 * marks.length);
  });

  test('with a trailer that lies, and bytes that are no gzip behind it', async () => {
    const blob = Buffer.from(go!.gzip(plain, 6, [plain.length]));
    blob.writeUInt32LE(12345, blob.length - 8);
    const found = await findAndFollow(Buffer.concat([blob, Buffer.from('padding')]), plain);
    expect(found.model).toMatch(/level 6$/);
  });

  test('of nothing at all', async () => {
    const found = await findAndFollow(go!.gzip(new Uint8Array(0), 6, []), new Uint8Array(0));
    expect(found.recipe.length).toBeLessThan(40);
  });
});

const hasPigz = spawnSync('pigz', ['--version']).status === 0;

describe.skipIf(!hasPigz)('pigz with settings of its user comes back', () => {
  const SETTINGS: readonly (readonly [args: string, model: RegExp])[] = [
    ['-b 512', /level 6, blocks of 512 KiB$/],
    ['-b 64 -p 1', /level 6, blocks of 64 KiB$/],
    ['-i', /level 6, independent blocks of 128 KiB$/],
    ['-i -9 -b 256', /level 9, independent blocks of 256 KiB$/],
    ['-1 -b 1024 -p 3', /level 1, blocks of 1024 KiB$/],
  ];
  const long = layerLikeBytes(2_500_000, 79);
  test.each(SETTINGS)('%s', async (args, model) => {
    const blob = execFileSync('pigz', ['-nc', ...args.split(' ')], { input: long, maxBuffer: 1 << 28 });
    const found = await findAndFollow(blob, long);
    expect(found.model).toMatch(model);
    expect(found.recipe.length).toBeLessThanOrEqual(60);
  });
});

describe('an encoder that nobody knows', () => {
  test.skipIf(!hasPigz)('with flushes of its own', async () => {
    const blob = execFileSync('pigz', ['-ncR'], { input: plain, maxBuffer: 1 << 28 });
    const found = await findAndFollow(blob, plain);
    expect(found.correctionsBytes).toBeGreaterThan(0);
    expect(found.correctionsBytes).toBeLessThan(blob.length / 10);
  });

  test('comes back by corrections of less than a tenth of the blob', async () => {
    const blob = gzipSync(plain, { memLevel: 3, level: 7 });
    const found = await findAndFollow(blob, plain);
    expect(found.correctionsBytes).toBeGreaterThan(0);
    expect(found.correctionsBytes).toBeLessThan(blob.length / 10);
  });

  test('has no recipe when its corrections would be larger than that', async () => {
    expect(await find(capriciousGzip(plain), plain)).toBeUndefined();
  });
});

/** A blob whose encoder throws dice for every token. */
function capriciousGzip(bytes: Uint8Array): Uint8Array {
  const next = randomNumbers(99);
  const seen = new Map<number, number>();
  const tokens = new Uint32Array(1 << 14);
  const pieces: Uint8Array[] = [Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)];
  const writer = new ZlibBlockWriter((piece) => pieces.push(piece.slice()));
  for (let at = 0, count = 0, start = 0; at < bytes.length; ) {
    const key = bytes[at]! * 65536 + (bytes[at + 1] ?? 0) * 256 + (bytes[at + 2] ?? 0);
    const from = seen.get(key) ?? -1;
    if (next() % 2 === 0) seen.set(key, at);
    let length = 0;
    const most = from >= 0 && at - from <= 32768 ? 3 + (next() % 20) : 0;
    while (length < most && at + length < bytes.length && bytes[from + length] === bytes[at + length])
      length++;
    const isMatch = length >= 3 && next() % 4 > 0;
    tokens[count++] = isMatch ? (length << 16) | (at - from) : bytes[at]!;
    at += isMatch ? length : 1;
    if (count < tokens.length && at < bytes.length) continue;
    writer.block(tokens, count, bytes, start, at, at === bytes.length);
    start = at;
    count = 0;
  }
  pieces.push(gzipTrailer(crc32(bytes), bytes.length));
  return Buffer.concat(pieces);
}

describe('there is no recipe', () => {
  const blob = gzipSync(plain);

  test('for what is not gzip, is damaged, or is of a tar of another length', async () => {
    expect(await find(plain, plain)).toBeUndefined();
    expect(await find(blob.subarray(0, blob.length - 9), plain)).toBeUndefined();
    const damaged = Uint8Array.from(blob);
    damaged[5000] = damaged[5000]! ^ 0x10;
    expect(await find(damaged, plain)).toBeUndefined();
    expect(await find(blob, plain.subarray(1))).toBeUndefined();
  });

  test('once it is cancelled', async () => {
    const signal = AbortSignal.abort();
    await expect(findRecipe(bytesAccess(blob), bytesAccess(plain), { signal })).rejects.toThrow();
  });
});

describe('the work of finding is bounded', () => {
  const long = layerLikeBytes(3_000_000, 78);
  const work = async (blob: Uint8Array, bytes: Uint8Array) => {
    const trials: number[] = [];
    const onTrial = (_: unknown, plainBytes: number) => trials.push(plainBytes);
    const found = await findRecipe(bytesAccess(blob), bytesAccess(bytes), { onTrial });
    return { found, trials: trials.length, plainBytes: trials.reduce((sum, each) => sum + each, 0) };
  };

  test('what programs make at their usual levels is among the first that are tried', async () => {
    const commands = [
      ['gzip', '-c'],
      ['pigz', '-c'],
      ['python3', '-c', PYTHON.replace('LEVEL', '6')],
    ] as const;
    for (const [program, ...args] of commands) {
      if (spawnSync(program, ['--version']).status !== 0) continue;
      const blob = execFileSync(program, args, { input: long, maxBuffer: 1 << 28 });
      const { found, plainBytes } = await work(blob, long);
      expect(found!.correctionsBytes).toBe(0);
      expect(plainBytes, program).toBeLessThan(1 << 20);
    }
  });

  test('an unknown encoder costs no more trials than allowed', async () => {
    const { plainBytes } = await work(capriciousGzip(long), long);
    expect(plainBytes).toBeLessThanOrEqual(8 << 20);
  });

  test('two engines at most may run beyond their trial in vain', async () => {
    const { found, plainBytes } = await work(turningGzip(long), long);
    expect(found!.correctionsBytes).toBeGreaterThan(0);
    expect(plainBytes).toBeGreaterThan(2_000_000);
    expect(plainBytes).toBeLessThanOrEqual((8 << 20) + 2 * long.length);
  });
});

/** A blob that begins as one engine makes it and goes on as no engine does, with a token that nothing calls for. */
function turningGzip(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)];
  const writer = new ZlibBlockWriter((piece) => pieces.push(piece.slice()));
  let blocks = 0;
  const matcher = new ZlibMatcher(matcherOptions(6, 0), (tokens, count, buffer, start, end, isFinal) => {
    const longMatch = tokens.subarray(0, count).findIndex((token) => token >>> 16 > 6);
    if (++blocks < 20 || longMatch < 0) {
      writer.block(tokens, count, buffer, start, end, isFinal);
      return;
    }
    const token = tokens[longMatch]!;
    const halves = [(((token >>> 16) - 3) << 16) | (token & 0xffff), (3 << 16) | (token & 0xffff)];
    const changed = [...tokens.subarray(0, longMatch), ...halves, ...tokens.subarray(longMatch + 1, count)];
    writer.block(Uint32Array.from(changed), changed.length, buffer, start, end, isFinal);
  });
  matcher.write(bytes);
  matcher.flush(true);
  pieces.push(gzipTrailer(crc32(bytes), bytes.length));
  return Buffer.concat(pieces);
}
