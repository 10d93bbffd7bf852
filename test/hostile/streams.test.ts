/** Well-framed patches whose ops lie: each number is compared with what is left before it is used. */
import { brotliCompressSync, constants } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { encodeVarint, zigzag } from '../../src/bytes/varint.ts';
import {
  OP_BINARY,
  OP_BITS,
  OP_HEADER,
  OP_REGION,
  OP_REPEAT,
  OP_TEXT,
  STREAM_BINARY,
  STREAM_BLOB,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
  STREAM_TEXT,
} from '../../src/patch/format.ts';
import { openWorkshop } from '../fixtures/patching.ts';
import { attempt, refusal } from './attempt.ts';
import { chunk, lying, streamsOf, takeApart, withChunks, withStreams } from './reframe.ts';
import { makeVictim } from './victim.ts';

const workshop = openWorkshop();
const victim = await makeVictim(workshop, 'classic');
const LAYER = 1;
const TAR_BYTES = victim.image.layers[LAYER]!.tar.length;
const honest = await streamsOf(victim.patch, LAYER);

const op = (code: number, length: number) => encodeVarint(length * 2 ** OP_BITS + code);
const seek = (distance: number) => encodeVarint(zigzag(distance));
const numbers = (...values: readonly Uint8Array[]) => Buffer.concat(values);
const TEXT = Buffer.alloc(TAR_BYTES, 'x');

type Streams = Readonly<Record<number, Uint8Array>>;
const asMap = (streams: Streams) =>
  new Map(Object.entries(streams).map(([stream, bytes]) => [Number(stream), bytes]));

const LIES: readonly (readonly [what: string, streams: Streams, message: RegExp])[] = [
  [
    'an op reaches past the layer',
    { [STREAM_OPS]: op(OP_TEXT, TAR_BYTES + 1), [STREAM_TEXT]: TEXT },
    /reaches past the layer/,
  ],
  [
    'a second op reaches past the layer',
    { [STREAM_OPS]: numbers(op(OP_TEXT, TAR_BYTES - 1), op(OP_TEXT, 2)), [STREAM_TEXT]: TEXT },
    /reaches past/,
  ],
  [
    'an op is longer than any file',
    { [STREAM_OPS]: op(OP_REGION, 2 ** 49), [STREAM_SEEKS]: seek(0) },
    /reaches past/,
  ],
  ['an op has no length', { [STREAM_OPS]: op(OP_TEXT, 0), [STREAM_TEXT]: TEXT }, /code 2 has the length 0/],
  [
    'a header op has a length',
    { [STREAM_OPS]: op(OP_HEADER, 1), [STREAM_SEEKS]: seek(0) },
    /code 3 has the length 1/,
  ],
  ['something is repeated before anything is new', repeat(0, 0), /outside of the 0 bytes of what was new/],
  ['more is repeated than was new', repeat(400, 1), /outside of the 400 bytes of what was new/],
  [
    'a repetition begins before the layer',
    repeat(500, -1),
    /at -1, outside of the 500 bytes of what was new/,
  ],
  [
    'a repetition has no place',
    { ...repeat(500, 0), [STREAM_REPEATS]: new Uint8Array(0) },
    /seek is cut short/,
  ],
  [
    'the repetitions go on',
    { ...repeat(500, 0), [STREAM_REPEATS]: numbers(seek(0), seek(0)) },
    /repeats goes on/,
  ],
  ['only the bytes of a repetition are wrong', repeat(500, 0), /came out as/],
  ['the ops end too early', { [STREAM_OPS]: op(OP_TEXT, 5), [STREAM_TEXT]: TEXT }, /op is cut short/],
  [
    'the ops go on',
    { [STREAM_OPS]: numbers(op(OP_TEXT, TAR_BYTES), op(OP_TEXT, 1)), [STREAM_TEXT]: TEXT },
    /ops goes on after the layer/,
  ],
  [
    'a number is padded',
    { [STREAM_OPS]: Uint8Array.of(0x86, 0x80, 0x00), [STREAM_TEXT]: TEXT },
    /shortest form/,
  ],
  [
    'a number is too large',
    { [STREAM_OPS]: new Uint8Array(8).fill(0xff), [STREAM_TEXT]: TEXT },
    /larger than 2\^53/,
  ],
  [
    'the literals end too early',
    { [STREAM_OPS]: op(OP_TEXT, TAR_BYTES), [STREAM_TEXT]: TEXT.subarray(1) },
    /literals end before/,
  ],
  [
    'the literals go on',
    { [STREAM_OPS]: op(OP_BINARY, TAR_BYTES), [STREAM_BINARY]: numbers(TEXT, TEXT) },
    /binary goes on after the layer/,
  ],
  [
    'an op reads the other literals',
    { [STREAM_OPS]: op(OP_BINARY, TAR_BYTES), [STREAM_TEXT]: TEXT },
    /literals end before/,
  ],
  ['a region begins before the base', region(seek(-1)), /at -1, outside of the \d+ bytes of the base/],
  [
    'a region ends after the base',
    region(seek(1_000_000)),
    /at 1000000, outside of the \d+ bytes of the base/,
  ],
  ['a region begins farther than any file', region(seek(2 ** 51)), /outside of the \d+ bytes of the base/],
  ['there is no seek', region(new Uint8Array(0)), /a seek is cut short/],
  ['the seeks go on', region(numbers(seek(0), seek(0))), /seeks goes on after the layer/],
  ['there are no gaps', { ...region(seek(0)), [STREAM_GAPS]: new Uint8Array(0) }, /a gap is cut short/],
  [
    'the gaps reach past the last region',
    { ...region(seek(0)), [STREAM_GAPS]: encodeVarint(TAR_BYTES) },
    /bytes past the last region/,
  ],
  [
    'the differences end before the gaps',
    { ...region(seek(0)), [STREAM_GAPS]: numbers(encodeVarint(1), encodeVarint(498)) },
    /differences end before/,
  ],
  ['the differences go on', { ...region(seek(0)), [STREAM_DIFFS]: Uint8Array.of(1) }, /diffs goes on/],
  [
    'a header is cut short',
    { [STREAM_OPS]: op(OP_HEADER, 0), [STREAM_SEEKS]: seek(0), [STREAM_HEADERS]: Uint8Array.of(0x02) },
    /cut short|header/,
  ],
  [
    'a header has unknown fields',
    { [STREAM_OPS]: op(OP_HEADER, 0), [STREAM_SEEKS]: seek(0), [STREAM_HEADERS]: encodeVarint(2 ** 40) },
    /fields that do not exist/,
  ],
  [
    'a header is read behind the base',
    { [STREAM_OPS]: op(OP_HEADER, 0), [STREAM_SEEKS]: seek(100_000), [STREAM_HEADERS]: Uint8Array.of(0) },
    /outside of the \d+ bytes of the base/,
  ],
  [
    'a header does not fit any more',
    {
      [STREAM_OPS]: numbers(op(OP_TEXT, TAR_BYTES - 100), op(OP_HEADER, 0)),
      [STREAM_TEXT]: TEXT,
      [STREAM_SEEKS]: seek(0),
      [STREAM_HEADERS]: Uint8Array.of(0),
    },
    /reaches past/,
  ],
  [
    'all is right but the bytes',
    { [STREAM_OPS]: op(OP_TEXT, TAR_BYTES), [STREAM_TEXT]: TEXT },
    /came out as sha256/,
  ],
];

/** `fresh` new bytes, 400 of them again from `position` on, then text to the end. */
function repeat(fresh: number, position: number): Streams {
  const rest = TAR_BYTES - fresh - 400;
  const before = fresh === 0 ? [] : [op(OP_TEXT, fresh)];
  return {
    [STREAM_OPS]: numbers(...before, op(OP_REPEAT, 400), op(OP_TEXT, rest)),
    [STREAM_REPEATS]: seek(position),
    [STREAM_TEXT]: TEXT.subarray(0, fresh + rest),
  };
}

/** 500 bytes of the base, which are all the same, then text to the end. */
function region(seeks: Uint8Array): Streams {
  return {
    [STREAM_OPS]: numbers(op(OP_REGION, 500), op(OP_TEXT, TAR_BYTES - 500)),
    [STREAM_SEEKS]: seeks,
    [STREAM_GAPS]: encodeVarint(500),
    [STREAM_TEXT]: TEXT.subarray(500),
  };
}

test.each(LIES)('%s', async (_, streams, message) => {
  const error = await refusal(victim, await withStreams(victim.patch, LAYER, asMap(streams)));
  expect(error.message).toMatch(message);
  expect(error.code).toBe(message.source.startsWith('came out') ? 'RESULT_MISMATCH' : 'CORRUPT_INPUT');
});

describe('the order of chunks', () => {
  test('does not matter, as long as little has to wait', async () => {
    const sections = (await takeApart(victim.patch)).filter(({ kind }) => kind === 3);
    expect(sections.length).toBeGreaterThan(3);
    const patch = await withChunks(victim.patch, LAYER, sections.toReversed());
    expect(await attempt(victim, patch)).toBeUndefined();
  });

  test('streams cut into bytes come out the same', async () => {
    const bytewise = [...honest].flatMap(([stream, coded]) =>
      [...coded].map((byte) => chunk(LAYER, stream, Uint8Array.of(byte))),
    );
    expect(await attempt(victim, await withChunks(victim.patch, LAYER, bytewise))).toBeUndefined();
  });

  test.each([
    ['an empty chunk', chunk(LAYER, STREAM_OPS, new Uint8Array(0))],
    ['a chunk of a stream that the layer lacks', chunk(LAYER, STREAM_BLOB, Uint8Array.of(1))],
    ['a chunk of a layer that there is not', chunk(9, STREAM_OPS, Uint8Array.of(1))],
    ['a chunk of a layer that is the base’s', chunk(0, STREAM_OPS, Uint8Array.of(1))],
    ['a chunk cut short in its numbers', { kind: 3, payload: Uint8Array.of(0x80) }],
    ['a second header', { kind: 1, payload: Uint8Array.of(0) }],
    ['an end before the end', { kind: 4, payload: new Uint8Array(0) }],
  ])('%s is refused', async (_, section) => {
    const streams = [...honest].map(([stream, coded]) => chunk(LAYER, stream, coded));
    for (const chunks of [
      [section, ...streams],
      [...streams, section],
    ])
      expect((await refusal(victim, await withChunks(victim.patch, LAYER, chunks))).code).toBe(
        'CORRUPT_INPUT',
      );
  });

  test('sections of kinds that may be skipped are skipped, of others refused by number', async () => {
    const streams = [...honest].map(([stream, coded]) => chunk(LAYER, stream, coded));
    const note = (kind: number) => ({ kind, payload: Buffer.from('a note') });
    const skipped = await withChunks(victim.patch, LAYER, [note(0x80), ...streams, note(0xff)]);
    expect(await attempt(victim, skipped)).toBeUndefined();
    const error = await refusal(victim, await withChunks(victim.patch, LAYER, [note(0x7f), ...streams]));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('kind 127') });
  });

  test('what would have to wait in memory is limited', async () => {
    const block = new Uint8Array(4 << 20);
    const infos = [
      [STREAM_OPS, 0, 1, 1, 0],
      [STREAM_TEXT, 0, 40 << 20, 40 << 20, 0],
    ];
    const lie = await lying(victim.patch, { [`target.layers.${LAYER}.streams`]: infos });
    const waiting = Array.from({ length: 10 }, () => chunk(LAYER, STREAM_TEXT, block));
    const patch = await withChunks(lie, LAYER, [...waiting, chunk(LAYER, STREAM_OPS, Uint8Array.of(1))]);
    expect(await refusal(victim, patch)).toMatchObject({
      code: 'LIMIT',
      message: expect.stringContaining('interleaved'),
    });
  });
});

describe('what expands', () => {
  /** 192 MB of zeros in some hundred bytes. */
  const bomb = brotliCompressSync(Buffer.alloc(192 << 20), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 2 },
  });

  test.each([
    ['a stream that says it is small', 200, /text gives more than the 200 bytes/],
    ['a stream that says how large it is', 192 << 20, /text goes on after the layer/],
  ])('%s is not unpacked to the end', async (_, plainBytes, message) => {
    const ops = op(OP_TEXT, TAR_BYTES);
    const infos = [
      [STREAM_OPS, 0, ops.length, ops.length, 0],
      [STREAM_TEXT, 1, plainBytes, bomb.length, 24],
    ];
    const lie = await lying(victim.patch, { [`target.layers.${LAYER}.streams`]: infos });
    const chunks = [chunk(LAYER, STREAM_OPS, ops), chunk(LAYER, STREAM_TEXT, bomb)];
    const patch = await withChunks(lie, LAYER, chunks);
    const before = process.memoryUsage();
    const error = await refusal(victim, patch);
    const after = process.memoryUsage();
    expect(error.message).toMatch(message);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(24 << 20);
  });
});
