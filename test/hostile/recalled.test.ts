/** A patch whose text is coded by the recalling coder, honestly and not: small text never is by the maker. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesAccess } from '../../src/bytes/access.ts';
import { shareMixer } from '../../src/codec/mix-decoder.ts';
import { encodeRecall } from '../../src/codec/recall-stream.ts';
import { type Codec, openDecoder } from '../../src/codec/stream-decoder.ts';
import { STREAM_TEXT } from '../../src/patch/format.ts';
import { decodePatch } from '../docs/decoder.ts';
import { openWorkshop } from '../fixtures/patching.ts';
import { attempt, refusal } from './attempt.ts';
import { chunk, headerText, lying, streamsOf, withChunks } from './reframe.ts';
import { makeVictim } from './victim.ts';

const workshop = openWorkshop();
const victim = await makeVictim(workshop, 'classic');
const LAYER = 1;
const HEADER = JSON.parse(await headerText(victim.patch)) as {
  readonly requires: readonly string[];
  readonly target: { readonly layers: readonly { readonly streams: readonly (readonly number[])[] }[] };
};
const STREAMS = HEADER.target.layers[LAYER]!.streams;
const HONEST = await streamsOf(victim.patch, LAYER);
const TEXT = await textOf();
const WINDOW_BITS = 16;
const CODED = Buffer.concat([...encodeRecall(bytesAccess(TEXT), WINDOW_BITS)].map(({ coded }) => coded));

/** The text as the victim has it. */
async function textOf(): Promise<Uint8Array> {
  const [, codec, plainBytes, , windowBits] = STREAMS.find(([stream]) => stream === STREAM_TEXT)!;
  const listed = { codec: codec as Codec, plainBytes: plainBytes!, windowBits: windowBits! };
  const pieces = [HONEST.get(STREAM_TEXT)!];
  const decoder = openDecoder(listed, async () => pieces.shift(), 'the text', shareMixer());
  return Uint8Array.from((await decoder.next())!);
}

/** The patch with these coded bytes, which the header says are so many plain ones in such a window. */
async function recalled(coded: Uint8Array, plainBytes = TEXT.length, windowBits = WINDOW_BITS) {
  const info = [STREAM_TEXT, 4, plainBytes, coded.length, windowBits];
  const streams = STREAMS.map((each) => (each[0] === STREAM_TEXT ? info : each));
  const lie = await lying(victim.patch, {
    requires: [...HEADER.requires, 'recall-1'],
    [`target.layers.${LAYER}.streams`]: streams,
  });
  const chunks = [...HONEST].map(([stream, bytes]) =>
    chunk(LAYER, stream, stream === STREAM_TEXT ? coded : bytes),
  );
  return await withChunks(lie, LAYER, chunks);
}

describe('a patch with a stream of codec 4', () => {
  test('is applied, and read by the words of the documents', async () => {
    const patch = await recalled(CODED);
    expect(await attempt(victim, patch)).toBeUndefined();
    const { layers } = await decodePatch(patch, {
      tars: new Map(victim.baseImage.layers.map(({ diffId, tar }) => [diffId, tar])),
      blobs: new Map(),
    });
    expect(layers.map(({ tar }) => Buffer.from(tar))).toEqual(
      victim.image.layers.map(({ tar }) => Buffer.from(tar)),
    );
  });

  test.each([
    ['a window that is too small', CODED, TEXT.length, 15, /of codec 4, which can't be/],
    ['a window that is too large', CODED, TEXT.length, 24, /of codec 4, which can't be/],
    ['more bytes than there may be', CODED, 2 ** 31, 23, /of codec 4, which can't be/],
    ['no fewer coded bytes', CODED, CODED.length, 16, /of codec 4, which can't be/],
    ['more bytes than it gives', CODED, 100_000, 16, /it is cut short|stream text goes on after/],
    ['fewer bytes', CODED, CODED.length + 1, 16, /goes on after its end|the literals end/],
    ['its end cut off', CODED.subarray(0, -6), TEXT.length, 16, /stream text is damaged: it is cut short/],
    [
      'bytes behind its end',
      Buffer.concat([CODED, Buffer.alloc(9)]),
      TEXT.length,
      16,
      /goes on after its end/,
    ],
  ])('is refused with %s', async (_, coded, plainBytes, windowBits, message) => {
    const error = await refusal(victim, await recalled(coded, plainBytes, windowBits));
    expect(error).toMatchObject({ code: 'CORRUPT_INPUT', message: expect.stringMatching(message) });
  });

  test('with any bytes changed is refused, or makes the image', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(CODED.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = Uint8Array.from(CODED);
        changed[at]! ^= by;
        await attempt(victim, await recalled(changed));
      }),
      { numRuns: 15 },
    );
  });
});
