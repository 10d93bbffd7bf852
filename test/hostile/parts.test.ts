/** Well-framed patches that lie about opened parts: bombs, depths, ways and views that are not there. */

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { encodeVarint, zigzag } from '../../src/bytes/varint.ts';
import {
  FORM_BITCODE,
  FORM_DIRECTORY,
  FORM_ENTRY,
  FORM_GZIP,
  FORM_RAW,
  FORM_STRINGS,
} from '../../src/nested/forms.ts';
import {
  OP_BITS,
  OP_PART,
  OP_REGION,
  OP_TEXT,
  STREAM_GAPS,
  STREAM_OPS,
  STREAM_SEEKS,
  STREAM_TEXT,
  STREAM_VIEWS,
} from '../../src/patch/format.ts';
import { buildImage } from '../fixtures/images.ts';
import { makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { seededBytes } from '../fixtures/random.ts';
import { file, layer } from '../scenarios/scenario.ts';
import { refusal, type Target } from './attempt.ts';
import { lying, withStreams } from './reframe.ts';

const workshop = openWorkshop();

/** The base holds a bomb: 8 MB of zeros, a thousand times smaller as they stand there. */
const BOMB = deflateRawSync(new Uint8Array(8 << 20));
const CONTENT_AT = 512;
const ROOM = Buffer.concat([Buffer.from('"'), seededBytes(2, 100_000)]);

async function makeVictim(): Promise<Target & { readonly patch: Uint8Array }> {
  const image = (note: string) =>
    buildImage({
      seed: 1,
      layers: [layer(file('bomb', BOMB), file('room', ROOM), file('note', Buffer.from(note)))],
    });
  mkdirSync(join(workshop.directory, 'attempt'), { recursive: true });
  const base = writeFixture(workshop, 'docker-archive', image('one'));
  const path = workshop.newPath('patch');
  const target = image('two');
  await makePatch(workshop, base, writeFixture(workshop, 'docker-archive', target), path);
  return { workshop, base, image: target, patch: readFileSync(path) };
}

const victim = await makeVictim();
const QUOTE_AT = Buffer.from(victim.image.layers[0]!.tar).indexOf(ROOM);
const TAR_BYTES = victim.image.layers[0]!.tar.length;
const MOST_PLAIN = (64 << 20) + 16 * TAR_BYTES;

const op = (code: number, length: number) => encodeVarint(length * 2 ** OP_BITS + code);
const numbers = (...values: readonly number[]) => Buffer.concat(values.map(encodeVarint));
/** zlib at level 6. */
const ZLIB = [4, 1, 2, 6, 0];
const part = (length: number, ...way: readonly number[]) =>
  Buffer.concat([op(OP_PART, length), numbers(...way)]);
const text = (bytes: Uint8Array) => ({ ops: op(OP_TEXT, bytes.length), bytes });

/** A layer of these ops, its text being all that literals take. */
async function withOps(
  ops: readonly Uint8Array[],
  bytes: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  const streams = new Map([
    [STREAM_OPS, Buffer.concat(ops)],
    [STREAM_TEXT, bytes],
  ]);
  return await withStreams(victim.patch, 0, streams);
}

const PLAIN = text(Buffer.from('some text'));
const LARGE = text(seededBytes(3, TAR_BYTES + 100));
const ENDLESS_NAME = text(Buffer.concat([Buffer.from('1f8b0808000000000003', 'hex'), Buffer.alloc(90, 'n')]));

/** A block with a field of 32 bits of each zero. */
const BITCODE_BOMB = text(
  Buffer.concat([
    Buffer.from([1, 9, 3, 2, 2, 0, 3, 0, 1, 32, 4]),
    encodeVarint(TAR_BYTES),
    Buffer.alloc(TAR_BYTES),
    Buffer.from([0]),
  ]),
);

/** Line ends take two bytes each when they are closed. */
const STRINGS_BOMB = text(Buffer.from(`"${'\n'.repeat(0.75 * TAR_BYTES)}\x1f`));

const LIES: readonly (readonly [
  what: string,
  ops: readonly Uint8Array[],
  bytes: Uint8Array,
  message: RegExp,
])[] = [
  [
    'more plain bytes than any file',
    [part(2 ** 45, 0, FORM_RAW, ...ZLIB)],
    PLAIN.bytes,
    /plain bytes is more than/,
  ],
  [
    'parts that lie too deep',
    [part(90, 0, FORM_RAW, ...ZLIB), ...[80, 70, 60, 50].map((length) => part(length, 1))],
    PLAIN.bytes,
    /more than 4 deep/,
  ],
  [
    'a part in bitcode',
    [part(90, 0, FORM_BITCODE), part(80, 0, FORM_BITCODE), PLAIN.ops],
    PLAIN.bytes,
    /lies in a part of bitcode/,
  ],
  [
    'a part deep in bitcode that follows another there',
    [part(90, 0, FORM_RAW, ...ZLIB), part(80, 0, FORM_BITCODE), op(OP_TEXT, 9), part(9, 1), op(OP_TEXT, 9)],
    Buffer.alloc(18),
    /lies in a part of bitcode/,
  ],
  ['a way that was never named', [part(9, 1), PLAIN.ops], PLAIN.bytes, /in way 1; there are 0/],
  [
    'too many ways',
    Array.from({ length: 65 }, () => [part(9, 0, FORM_DIRECTORY, 0), PLAIN.ops]).flat(),
    Buffer.alloc(9 * 65, 'x'),
    /in way 0; there are 64/,
  ],
  [
    'parameters that no engine has',
    [part(9, 0, FORM_RAW, 4, 1, 2, 77, 0), PLAIN.ops],
    PLAIN.bytes,
    /parameters 77/,
  ],
  ['far too many parameters', [part(9, 0, FORM_RAW, 4, 1, 2 ** 40), PLAIN.ops], PLAIN.bytes, /at most 16/],
  [
    'an engine that wants corrections',
    [part(9, 0, FORM_RAW, 6, 1, 0), PLAIN.ops],
    PLAIN.bytes,
    /takes corrections/,
  ],
  ['a part that ends in its ops', [part(9, 0, FORM_RAW, ...ZLIB)], PLAIN.bytes, /an op is cut short/],
  ['a part whose ops make more', [part(5, 0, FORM_RAW, ...ZLIB), PLAIN.ops], PLAIN.bytes, /reaches past/],
  [
    'a part that is larger than the layer when it is closed',
    [part(LARGE.bytes.length, 0, FORM_RAW, ...ZLIB), LARGE.ops],
    LARGE.bytes,
    /a part at 0 reaches past/,
  ],
  [
    'an entry without a header',
    [part(9, 0, FORM_ENTRY, ...ZLIB), PLAIN.ops],
    PLAIN.bytes,
    /ends within its header/,
  ],
  [
    'an entry with another header',
    [part(100, 0, FORM_ENTRY, ...ZLIB), op(OP_TEXT, 100)],
    Buffer.alloc(100, 'x'),
    /header of a deflated entry/,
  ],
  [
    'a gzip member of text',
    [part(20, 0, FORM_GZIP, ...ZLIB), op(OP_TEXT, 20)],
    Buffer.alloc(20, 'x'),
    /1f 8b/,
  ],
  [
    'a gzip member whose name has no end',
    [part(100, 0, FORM_GZIP, ...ZLIB), ENDLESS_NAME.ops],
    ENDLESS_NAME.bytes,
    /ends within its header/,
  ],
  ['bitcode of text', [part(9, 0, FORM_BITCODE), PLAIN.ops], PLAIN.bytes, /of 2 bits of a bitstream/],
  [
    'bitcode that ends in a block',
    [part(5, 0, FORM_BITCODE), op(OP_TEXT, 5)],
    Buffer.from([1, 9, 3, 3, 7]),
    /cut short/,
  ],
  [
    'bitcode that comes to more than the layer',
    [part(BITCODE_BOMB.bytes.length, 0, FORM_BITCODE), BITCODE_BOMB.ops],
    BITCODE_BOMB.bytes,
    /a part at 0 reaches past/,
  ],
  [
    'strings that end in one',
    [part(9, 0, FORM_STRINGS), op(OP_TEXT, 9)],
    Buffer.from('"some tex'),
    /end within/,
  ],
  [
    'strings of a byte that none has',
    [part(9, 0, FORM_STRINGS), op(OP_TEXT, 9)],
    Buffer.from('"some\x00tex'),
    /a byte 0/,
  ],
  [
    'strings that come to more than the layer',
    [part(STRINGS_BOMB.bytes.length, 0, FORM_STRINGS), STRINGS_BOMB.ops],
    STRINGS_BOMB.bytes,
    /a part at 0 reaches past/,
  ],
  [
    'an archive that begins before the layer',
    [part(9, 0, FORM_DIRECTORY, 5), PLAIN.ops],
    PLAIN.bytes,
    /5 bytes before/,
  ],
];

describe('a part', () => {
  test.each(LIES)('is refused: %s', async (_, ops, bytes, message) => {
    const error = await refusal(victim, await withOps(ops, bytes));
    expect(error.message).toMatch(message);
    expect(['CORRUPT_INPUT', 'UNSUPPORTED']).toContain(error.code);
  });

  test.each([
    ['form 7', [7]],
    ['number 99', [FORM_RAW, 99, 1, 0]],
    ['zlib version 9', [FORM_RAW, 4, 9, 2, 6, 0]],
  ])('of an unknown way (%s) is refused as unsupported, by name', async (name, way) => {
    const error = await refusal(victim, await withOps([part(9, 0, ...way), PLAIN.ops], PLAIN.bytes));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining(name) });
  });

  test('can not make endless work of zeros, nor of engines that change', async () => {
    const regions = (count: number, length: number, ...way: readonly number[]) =>
      Array.from({ length: count }, (_, at) => [
        part(length, ...(at === 0 ? way : [1])),
        op(OP_REGION, length),
      ]).flat();
    const zeros = regions(12, 8 << 20, 0, FORM_RAW, ...ZLIB);
    const view = await withViews([[FORM_RAW, CONTENT_AT]], 8 << 20, zeros);
    expect((await refusal(victim, view)).message).toMatch(/more than the \d+ that may still be made/);
    const ways = [
      part(1, 0, FORM_RAW, ...ZLIB),
      op(OP_TEXT, 1),
      part(1, 0, FORM_RAW, 4, 1, 2, 9, 0),
      op(OP_TEXT, 1),
    ];
    const turns = Array.from({ length: 1500 }, () => [
      part(1, 1),
      op(OP_TEXT, 1),
      part(1, 2),
      op(OP_TEXT, 1),
    ]).flat();
    const changing = await withOps([...ways, ...turns], Buffer.alloc(3002));
    expect((await refusal(victim, changing)).message).toMatch(/change their engines too often/);
  });
});

/** A layer with this list of views, each a form and an address, and ops that read one of them. */
async function withViews(
  views: readonly (readonly [form: number, address: number])[],
  plainBytes: number,
  ops: readonly Uint8Array[] = [op(OP_REGION, 1)],
): Promise<Uint8Array> {
  const list = Buffer.concat(views.map(([form, address]) => numbers(zigzag(address) * 4 + form)));
  const baseBytes = TAR_BYTES;
  const reads = ops.length > 1 ? ops.length / 2 : 1;
  const seeks = [zigzag(baseBytes), ...Array.from({ length: reads - 1 }, () => zigzag(-(8 << 20)))];
  const streams = new Map<number, Uint8Array>([
    [STREAM_OPS, Buffer.concat(ops)],
    [STREAM_SEEKS, numbers(...seeks)],
    [STREAM_GAPS, numbers(2 ** 40)],
    [STREAM_VIEWS, list],
  ]);
  return await lying(await withStreams(victim.patch, 0, streams), { 'target.layers.0.views': plainBytes });
}

describe('a list of views', () => {
  test.each([
    ['comes to more than it says', [[FORM_RAW, CONTENT_AT]], 1000, /more than the 1000 bytes/],
    ['comes to less than it says', [[FORM_RAW, CONTENT_AT]], (8 << 20) + 1, /1 bytes less/],
    ['opens what is outside of the base', [[FORM_RAW, 2 ** 40]], 5, /outside of/],
    ['opens what is before the base', [[FORM_RAW, -1]], 5, /outside of/],
    ['opens what is no stream', [[FORM_RAW, 0]], 5, /./],
    ['opens what is no gzip member', [[FORM_GZIP, 0]], 5, /1f 8b|member/],
    ['opens what is no entry', [[FORM_ENTRY, 0]], 5, /no deflated zip entry/],
    ['opens what is no directory', [[FORM_DIRECTORY, 0]], 5, /does not end as it should/],
    ['opens strings that end nowhere', [[FORM_DIRECTORY, QUOTE_AT]], 5, /can't stand in a string|cut short/],
    ['is too much for this base', [[FORM_RAW, CONTENT_AT]], MOST_PLAIN + 1, /at most \d+ can be opened/],
  ] as const)('is refused when it %s', async (_, views, plainBytes, message) => {
    const error = await refusal(victim, await withViews(views, plainBytes));
    expect(error).toMatchObject({ code: 'CORRUPT_INPUT', message: expect.stringMatching(message) });
  });

  test('is refused when it is there without views, or they without it', async () => {
    for (const views of [0, undefined])
      expect(
        await refusal(
          victim,
          await lying(await withViews([[FORM_RAW, CONTENT_AT]], 8 << 20), { 'target.layers.0.views': views }),
        ),
      ).toMatchObject({ code: 'CORRUPT_INPUT', message: expect.stringContaining('views without a list') });
    expect(await refusal(victim, await lying(victim.patch, { 'target.layers.0.views': 5 }))).toMatchObject({
      code: 'CORRUPT_INPUT',
    });
  });

  test('opens the same bomb again and again only as far as it says', async () => {
    const again = Array.from(
      { length: 30 },
      (_, at) => [FORM_RAW, at === 0 ? CONTENT_AT : -BOMB.length] as const,
    );
    const error = await refusal(victim, await withViews(again, 20 << 20));
    expect(error.message).toMatch(/more than the/);
  });
});
