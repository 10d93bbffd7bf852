/** Which streams the recalling coder gets, and when the coded bytes of such a stream are needed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { seededBytes, seededText } from '../../test/fixtures/random.ts';
import { bytesAccess, readRange } from '../bytes/access.ts';
import { shareMixer } from '../codec/mix-decoder.ts';
import { openRecallDecoder } from '../codec/recall-stream.ts';
import { CODEC_BROTLI, CODEC_RECALL } from '../codec/stream-decoder.ts';
import { STREAM_BINARY, STREAM_TEXT } from '../patch/format.ts';
import { effortOf } from './effort.ts';
import { codeStream } from './entropy.ts';
import { recallStream } from './recall.ts';
import { openSpool } from './spool.ts';

const tempDirectory = mkdtempSync(join(tmpdir(), 'didiff-recall-'));
afterAll(() => rmSync(tempDirectory, { recursive: true }));

/** Text that comes again with a change every few hundred bytes: 1.2 MB of it. */
function changedText(): Buffer {
  const pieces = Array.from({ length: 24 }, (_, at) => {
    const text = Buffer.from(seededText(1, 50_000));
    for (let i = 100 + at; i < text.length; i += 300 + at) text[i] = 0x2d;
    return text;
  });
  return Buffer.concat(pieces);
}

const TEXT = changedText();
const AT_ONCE = { mostBytes: TEXT.length, tempDirectory };

async function codecAt(effort: number): Promise<number> {
  const spool = openSpool(tempDirectory);
  spool.append(TEXT, 0);
  const options = { tempDirectory, effort: effortOf(effort), threads: 1 };
  const coded = await codeStream(STREAM_TEXT, spool, options, shareMixer());
  coded.close();
  spool.close();
  return coded.info.codec;
}

test('much text is coded so from effort 6 on', { timeout: 60_000 }, async () => {
  expect(await codecAt(5)).toBe(CODEC_BROTLI);
  expect(await codecAt(6)).toBe(CODEC_RECALL);
});

test('what is noise, short, too long or no text is not coded at once', { timeout: 60_000 }, async () => {
  const refused = async (stream: number, plain: Uint8Array, mostBytes = TEXT.length) =>
    expect(await recallStream(stream, bytesAccess(plain), { ...AT_ONCE, mostBytes })).toBeUndefined();
  await refused(STREAM_TEXT, seededBytes(1, 1_150_000));
  await refused(STREAM_TEXT, TEXT.subarray(0, 1 << 19));
  await refused(STREAM_TEXT, TEXT, TEXT.length - 1);
  await refused(STREAM_BINARY, TEXT);
});

test('a reader asks for no coded byte before it has made the text that it is said to need', {
  timeout: 60_000,
}, async () => {
  const { coded, windowBits, plainBefore } = (await recallStream(STREAM_TEXT, bytesAccess(TEXT), AT_ONCE))!;
  const stepBytes = 1000;
  let at = 0;
  let made = 0;
  const decoder = openRecallDecoder(
    TEXT.length,
    windowBits,
    async () => {
      if (at === coded.sizeBytes) return undefined;
      expect(made).toBeGreaterThanOrEqual(plainBefore(at));
      const piece = readRange(coded, at, Math.min(stepBytes, coded.sizeBytes - at), stepBytes);
      at += piece.length;
      return piece;
    },
    'text',
  );
  const pieces: Uint8Array[] = [];
  for (let piece = await decoder.next(); piece !== undefined; piece = await decoder.next()) {
    pieces.push(piece);
    made += piece.length;
  }
  coded.close();
  expect(Buffer.concat(pieces).equals(TEXT)).toBe(true);
  expect(plainBefore(coded.sizeBytes)).toBeGreaterThan(TEXT.length / 2);
});
