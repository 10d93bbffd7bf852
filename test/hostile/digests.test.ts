/** Well-framed patches that lie about digests: of what is not there, not yet there, or too much. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeVarint } from '../../src/bytes/varint.ts';
import { FORM_RAW } from '../../src/nested/forms.ts';
import {
  DIGEST_USES,
  MAX_DIGESTS,
  OP_BITS,
  OP_DIGEST,
  OP_EXECUTABLE,
  OP_HEADER,
  OP_PART,
  OP_TEXT,
  STREAM_HEADERS,
  STREAM_OPS,
  STREAM_SEEKS,
  STREAM_TEXT,
} from '../../src/patch/format.ts';
import { buildImage } from '../fixtures/images.ts';
import { makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { seededText } from '../fixtures/random.ts';
import { file, layer } from '../scenarios/scenario.ts';
import { refusal, type Target } from './attempt.ts';
import { withStreams } from './reframe.ts';

const workshop = openWorkshop();
const TEXT = seededText(1, 70_000);

async function makeVictim(): Promise<Target & { readonly patch: Uint8Array }> {
  const image = (note: string) =>
    buildImage({
      seed: 1,
      layers: [layer(file('empty', new Uint8Array(0)), file('note', Buffer.from(note)), file('text', TEXT))],
    });
  mkdirSync(join(workshop.directory, 'attempt'), { recursive: true });
  const base = writeFixture(workshop, 'docker-archive', image('one'));
  const path = workshop.newPath('patch');
  const target = image('two');
  await makePatch(workshop, base, writeFixture(workshop, 'docker-archive', target), path);
  return { workshop, base, image: target, patch: readFileSync(path) };
}

const victim = await makeVictim();
const TAR_BYTES = victim.image.layers[0]!.tar.length;

const op = (code: number, length: number) => encodeVarint(length * 2 ** OP_BITS + code);
const mark = (algorithm: number, size?: number) =>
  Buffer.concat([op(OP_DIGEST, algorithm), size === undefined ? new Uint8Array(0) : encodeVarint(size)]);
const list = (steps: number) => op(OP_DIGEST, DIGEST_USES + 2 * (steps < 0 ? -2 * steps - 1 : 2 * steps));
const text = (length: number) => op(OP_TEXT, length);
const ZLIB_PART = [0, FORM_RAW, 4, 1, 2, 6, 0].map((value) => encodeVarint(value));

const LIES: readonly (readonly [what: string, ops: readonly Uint8Array[], message: RegExp])[] = [
  ['of no bytes', [mark(1, 0)], /of 0 bytes at 0/],
  ['of more than is left', [mark(1, TAR_BYTES + 1)], /bytes at 0; \d+ are left/],
  ['of more than there can be', [text(5), mark(4, 2 ** 50)], /bytes at 5; \d+ are left/],
  ['whose size is missing', [mark(1)], /the size of what gets a digest is cut short/],
  ['of an unknown algorithm', [mark(5, 3)], /no digest algorithm 5/],
  ['of another unknown algorithm', [mark(7, 3)], /no digest algorithm 7/],
  ['of a file that is empty', [op(OP_HEADER, 0), mark(1)], /of 0 bytes at 512/],
  ['while another of its kind is made', [mark(2, 9), text(8), mark(2, 1)], /asked for at 8 while another/],
  ['twice of one file', [mark(2, 9), mark(2, 9)], /asked for at 0 while another/],
  ['that nobody asked for', [list(0)], /digest 0 is listed before it is made; 0 are/],
  ['before the first', [mark(1, 1), text(1), list(-1)], /digest -1 is listed/],
  ['behind the last', [mark(1, 1), text(1), list(1)], /digest 1 is listed before it is made; 1 are/],
  ['far behind the last', [mark(1, 1), text(1), list(2 ** 47)], /digest \d+ is listed before it is made/],
  ['of what is not all there', [mark(1, 9), text(8), list(0)], /digest 0 is listed before it is made/],
  ['of itself', [mark(1, 32), list(0)], /digest 0 is listed before it is made/],
  ['that is longer than what is left', [mark(4, 5), text(TAR_BYTES - 127), list(0)], /reaches past/],
  ['of what lies in a part', [op(OP_PART, 9), ...ZLIB_PART, mark(1, 5)], /lie in a part/],
  [
    'of what the same part makes',
    [mark(1, 3), op(OP_PART, 40), ...ZLIB_PART, text(8), list(0)],
    /digest 0 is listed before it is made/,
  ],
  [
    'inside of an executable',
    [mark(1, 3), text(3), op(OP_EXECUTABLE, 40), encodeVarint(5), list(0)],
    /no op of code 7/,
  ],
  [
    'more often than a reader keeps',
    Array.from({ length: MAX_DIGESTS + 1 }, () => [mark(1, 1), text(1)]).flat(),
    /more than 65536 digests/,
  ],
];

test.each(LIES)('a digest is refused: %s', async (_, ops, message) => {
  const streams = new Map([
    [STREAM_OPS, Buffer.concat(ops)],
    [STREAM_SEEKS, Buffer.alloc(2)],
    [STREAM_HEADERS, Buffer.alloc(1)],
    [STREAM_TEXT, Buffer.concat([TEXT, TEXT])],
  ]);
  const error = await refusal(victim, await withStreams(victim.patch, 0, streams));
  expect(error).toMatchObject({ code: 'CORRUPT_INPUT', message: expect.stringMatching(message) });
});
