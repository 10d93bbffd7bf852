import { brotliCompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesAccess } from '../bytes/access.ts';
import { startMixer } from '../kernels/mix.ts';
import { shareMixer } from './mix-decoder.ts';
import { encodeRecall } from './recall-stream.ts';
import {
  CODEC_MIX_BYTES,
  CODEC_MIX_INTEGERS,
  CODEC_RECALL,
  CODEC_STORED,
  type Codec,
  canBeCoded,
  openBrotliDecoder,
  openDecoder,
  parseCodec,
} from './stream-decoder.ts';
import { brotliSettings, encodeBrotli, windowBitsFor } from './stream-encoder.ts';

const LIMITS = { best: 4 << 20, good: 64 << 20, rest: 9 };

async function encode(plain: Uint8Array): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of encodeBrotli(bytesAccess(plain), brotliSettings(plain.length, LIMITS), undefined))
    pieces.push(piece);
  return Buffer.concat(pieces);
}

function pullFrom(coded: Uint8Array, pieceBytes: number) {
  let at = 0;
  return async () => {
    if (at >= coded.length) return undefined;
    const piece = coded.subarray(at, at + pieceBytes);
    at += piece.length;
    return piece;
  };
}

async function decode(coded: Uint8Array, pieceBytes: number): Promise<Buffer> {
  const decoder = openBrotliDecoder(pullFrom(coded, pieceBytes), 'stream x');
  const pieces: Uint8Array[] = [];
  for (let piece = await decoder.next(); piece !== undefined; piece = await decoder.next())
    pieces.push(piece);
  return Buffer.concat(pieces);
}

test('what was encoded is decoded again, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 5000 }),
      fc.integer({ min: 1, max: 700 }),
      async (plain, pieceBytes) => {
        expect(await decode(await encode(plain), pieceBytes)).toEqual(Buffer.from(plain));
      },
    ),
    { numRuns: 60 },
  );
});

test('a cut-off stream is refused', async () => {
  const coded = await encode(Buffer.from('some text that is long enough to be cut off in the middle'));
  await expect(decode(coded.subarray(0, coded.length - 3), 7)).rejects.toThrow(/stream x is damaged/);
});

test('bytes after the end of a stream are refused, in the same piece and in a later one', async () => {
  const coded = Buffer.concat([await encode(Buffer.alloc(10)), Buffer.from('more')]);
  await expect(decode(coded, coded.length)).rejects.toThrow(/stream x goes on after its end/);
  await expect(decode(coded, 3)).rejects.toThrow(/stream x/);
});

test('a stream that expands a million times is given piece by piece', async () => {
  const bomb = brotliCompressSync(Buffer.alloc(1 << 28), { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } });
  const before = process.memoryUsage().rss;
  const decoder = openBrotliDecoder(pullFrom(bomb, bomb.length), 'bomb');
  const first = await decoder.next();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(first!.length).toBeLessThanOrEqual(1 << 16);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  decoder.close();
});

const MIXED = [CODEC_MIX_BYTES, CODEC_MIX_INTEGERS] as const;
const sentence = Buffer.from('what is said often enough is said for less and less. '.repeat(9));

function mixed(codec: Codec, plain: Uint8Array): Uint8Array {
  return startMixer().encode(codec === CODEC_MIX_BYTES ? 0 : 1, plain)!;
}

async function decodeMixed(codec: Codec, coded: Uint8Array, plainBytes: number): Promise<Uint8Array> {
  const decoder = openDecoder(
    { codec, plainBytes, windowBits: 0 },
    pullFrom(coded, 5),
    'stream x',
    shareMixer(),
  );
  const plain = await decoder.next();
  expect(await decoder.next()).toBeUndefined();
  return plain!;
}

test.each(MIXED)('a stream of codec %d comes out whole', async (codec) => {
  const plain = await decodeMixed(codec, mixed(codec, sentence), sentence.length);
  expect(Buffer.from(plain).equals(sentence)).toBe(true);
});

test.each(MIXED)('a stream of codec %d that was cut off is refused, and one that goes on', async (codec) => {
  const coded = mixed(codec, sentence);
  await expect(decodeMixed(codec, coded.subarray(0, -3), sentence.length)).rejects.toThrow(
    /cut short|after its end/,
  );
  const more = Buffer.concat([coded, Buffer.from('more')]);
  await expect(decodeMixed(codec, more, sentence.length)).rejects.toThrow(/stream x goes on after its end/);
});

test('streams of the mixing coder are small and get smaller', async () => {
  expect(canBeCoded(CODEC_MIX_BYTES, 1 << 20, 5, 0)).toBe(true);
  expect(canBeCoded(CODEC_MIX_BYTES, (1 << 20) + 1, 5, 0)).toBe(false);
  expect(canBeCoded(CODEC_MIX_INTEGERS, 5, 5, 0)).toBe(false);
  const coded = mixed(CODEC_MIX_BYTES, sentence);
  await expect(decodeMixed(CODEC_MIX_BYTES, coded, 2 ** 40)).rejects.toThrow(
    /stream x claims 1099511627776 bytes/,
  );
  await expect(decodeMixed(CODEC_MIX_BYTES, coded, 9)).rejects.toThrow(
    /coded bytes or more for 9 plain ones/,
  );
});

const RECALL_BITS = 16;

function recalled(plain: Uint8Array): Buffer {
  return Buffer.concat([...encodeRecall(bytesAccess(plain), RECALL_BITS)].map(({ coded }) => coded));
}

async function decodeRecalled(coded: Uint8Array, plainBytes: number, pieceBytes: number): Promise<Buffer> {
  const listed = { codec: CODEC_RECALL, plainBytes, windowBits: RECALL_BITS } as const;
  const decoder = openDecoder(listed, pullFrom(coded, pieceBytes), 'stream x', shareMixer());
  const pieces: Uint8Array[] = [];
  for (let piece = await decoder.next(); piece !== undefined; piece = await decoder.next())
    pieces.push(piece);
  return Buffer.concat(pieces);
}

test('a recalled stream comes out, however it is cut', async () => {
  for (const plain of [sentence, Buffer.concat([sentence, Buffer.alloc(200_000, sentence), Buffer.of(1)])]) {
    const coded = recalled(plain);
    for (const pieceBytes of [1, 7, 4096])
      expect((await decodeRecalled(coded, plain.length, pieceBytes)).equals(plain)).toBe(true);
  }
});

test('a recalled stream that was cut off is refused, and one that goes on', async () => {
  const coded = recalled(sentence);
  await expect(decodeRecalled(coded.subarray(0, -5), sentence.length, 9)).rejects.toThrow(
    /cut short|after its end/,
  );
  await expect(decodeRecalled(new Uint8Array(0), sentence.length, 9)).rejects.toThrow(/cut short/);
  for (const more of [Buffer.from('more'), Buffer.alloc(100)])
    await expect(decodeRecalled(Buffer.concat([coded, more]), sentence.length, 9)).rejects.toThrow(
      /stream x goes on after its end/,
    );
});

test('streams of the recalling coder have a window, and get smaller', () => {
  expect(canBeCoded(CODEC_RECALL, 2 ** 31 - 1, 5, 23)).toBe(true);
  for (const [plain, coded, window] of [
    [2 ** 31, 5, 23],
    [5, 5, 20],
    [1000, 5, 15],
    [1000, 5, 24],
  ] as const)
    expect(canBeCoded(CODEC_RECALL, plain, coded, window)).toBe(false);
});

test('stored streams are passed on as they are', async () => {
  const decoder = openDecoder(
    { codec: CODEC_STORED, plainBytes: 6, windowBits: 0 },
    pullFrom(Buffer.from('abcdef'), 4),
    'stored',
    shareMixer(),
  );
  expect(Buffer.from((await decoder.next())!).toString()).toBe('abcd');
  expect(Buffer.from((await decoder.next())!).toString()).toBe('ef');
  expect(await decoder.next()).toBeUndefined();
});

test('an unknown codec is refused by number', () => {
  expect(() => parseCodec(7, 'stream x')).toThrow(/stream x is coded with codec 7/);
});

test('the window is as large as the stream, within bounds', () => {
  expect([windowBitsFor(0), windowBitsFor(5000), windowBitsFor(1 << 20), windowBitsFor(2 ** 33)]).toEqual([
    10, 13, 20, 23,
  ]);
});
