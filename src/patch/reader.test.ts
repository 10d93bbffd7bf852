import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildImage } from '../../test/fixtures/images.ts';
import { inPieces, makePatch, openWorkshop, writeFixture } from '../../test/fixtures/patching.ts';
import { chunk, withChunks, withStreams } from '../../test/hostile/reframe.ts';
import { file, layer } from '../../test/scenarios/scenario.ts';
import { LATER } from '../codec/coded-source.ts';
import { STREAM_BINARY, STREAM_OPS, STREAM_TEXT } from './format.ts';
import { type LayerStreams, openPatchReader } from './reader.ts';

const CHUNK_BYTES = 1 << 16;
const CHUNKS = 24;
const WANTED = [STREAM_OPS, STREAM_BINARY, STREAM_TEXT];

const fill = (byte: number, count: number) => Buffer.alloc(count * CHUNK_BYTES, byte);

/** A layer whose text stands behind more than a megabyte of other bytes. */
async function openStreams(): Promise<LayerStreams> {
  const workshop = openWorkshop();
  mkdirSync(join(workshop.directory, 'reader'), { recursive: true });
  const image = (note: string) => buildImage({ seed: 1, layers: [layer(file('note', Buffer.from(note)))] });
  const path = workshop.newPath('patch');
  const base = writeFixture(workshop, 'docker-archive', image('one'));
  await makePatch(workshop, base, writeFixture(workshop, 'docker-archive', image('two')), path);
  const streams = new Map([
    [STREAM_OPS, fill(1, 1)],
    [STREAM_BINARY, fill(2, CHUNKS)],
    [STREAM_TEXT, fill(3, 2)],
  ]);
  const whole = await withStreams(readFileSync(path), 0, streams);
  const part = (stream: number) => chunk(0, stream, streams.get(stream)!.subarray(0, CHUNK_BYTES));
  const patch = await withChunks(whole, 0, [
    part(STREAM_OPS),
    ...Array.from({ length: CHUNKS }, () => part(STREAM_BINARY)),
    part(STREAM_TEXT),
    part(STREAM_TEXT),
  ]);
  const reader = await openPatchReader(inPieces(patch, 10_000));
  return await reader.enterLayer(0, WANTED);
}

test('who reads ahead does not have more than a megabyte wait; who needs a piece gets it', async () => {
  const { pull, pullAhead } = await openStreams();
  expect(await pullAhead!(STREAM_TEXT)()).toBe(LATER);
  for (let i = 0; i < CHUNKS - 4; i++) expect((await pull(STREAM_BINARY)())![0]).toBe(2);
  expect((await pullAhead!(STREAM_TEXT)()) as Uint8Array).toHaveLength(CHUNK_BYTES);
  const other = await openStreams();
  expect(await other.pullAhead!(STREAM_TEXT)()).toBe(LATER);
  expect(await other.pull(STREAM_TEXT)()).toHaveLength(CHUNK_BYTES);
});

test('several may wait for pieces at once: each gets its own, and no section is read twice or too far', async () => {
  const { pull, pullAhead } = await openStreams();
  const drain = async (next: () => Promise<Uint8Array | undefined | typeof LATER>) => {
    const found: number[] = [];
    for (let piece = await next(); piece !== undefined; piece = await next())
      if (piece !== LATER) found.push(piece[0]!);
    return found;
  };
  const [ops, binary, text] = await Promise.all([
    drain(pull(STREAM_OPS)),
    drain(pullAhead!(STREAM_BINARY)),
    drain(pull(STREAM_TEXT)),
  ]);
  expect(ops).toEqual([1]);
  expect(binary).toEqual(Array(CHUNKS).fill(2));
  expect(text).toEqual([3, 3]);
});
