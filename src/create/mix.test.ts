/** When the mixing coder is taken without asking brotli, and when brotli still has its turn. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { seededBytes, seededText } from '../../test/fixtures/random.ts';
import { shareMixer } from '../codec/mix-decoder.ts';
import { CODEC_BROTLI, CODEC_MIX_BYTES, CODEC_STORED } from '../codec/stream-decoder.ts';
import { STREAM_BINARY } from '../patch/format.ts';
import { effortOf } from './effort.ts';
import { codeStream } from './entropy.ts';
import { isWellMixed, type MixedStream } from './mix.ts';
import { openSpool } from './spool.ts';

const tempDirectory = mkdtempSync(join(tmpdir(), 'didiff-mix-'));
afterAll(() => rmSync(tempDirectory, { recursive: true }));

async function codedAt(effort: number, plain: Uint8Array) {
  const spool = openSpool(tempDirectory);
  spool.append(plain, 0);
  const options = { tempDirectory, effort: effortOf(effort), threads: 1 };
  const coded = await codeStream(STREAM_BINARY, spool, options, shareMixer());
  coded.close();
  spool.close();
  return coded.info;
}

const mixed = (codedBytes: number): MixedStream => ({
  codec: CODEC_MIX_BYTES,
  coded: new Uint8Array(codedBytes),
});

test('what is neither noise nor next to nothing is well mixed', () => {
  expect(isWellMixed(mixed(500), 1000)).toBe(true);
  expect(isWellMixed(mixed(40), 1000)).toBe(false);
  expect(isWellMixed(mixed(960), 1000)).toBe(false);
});

test('at effort 3 text is mixed; what brotli does better, and noise, is not', {
  timeout: 60_000,
}, async () => {
  expect((await codedAt(3, seededText(1, 60_000))).codec).toBe(CODEC_MIX_BYTES);
  expect((await codedAt(3, Buffer.alloc(600_000, 'abcdefgh'))).codec).toBe(CODEC_BROTLI);
  expect((await codedAt(3, seededBytes(1, 60_000))).codec).toBe(CODEC_STORED);
});

test('effort 1 leaves it to brotli', async () => {
  expect((await codedAt(1, seededText(1, 60_000))).codec).toBe(CODEC_BROTLI);
});
