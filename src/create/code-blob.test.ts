/** What the writer of copies writes, the reader of copies makes: both folders' halves of one format. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { seededBytes } from '../../test/fixtures/random.ts';
import { bytesAccess, concatAccess, readRange } from '../bytes/access.ts';
import { sha256 } from '../bytes/digest.ts';
import { encodeVarint, zigzag } from '../bytes/varint.ts';
import { shareMixer } from '../codec/mix-decoder.ts';
import { STREAM_BLOB, STREAM_COPIES } from '../patch/format.ts';
import type { PatchLayer, StreamInfo } from '../patch/header.ts';
import { runCopies } from '../rebuild/copies.ts';
import { blobContent, blobsRead, copiesBytes, findCopies, openBlobSpace } from './blob-copies.ts';
import { codeBlob } from './code-blob.ts';
import { DEFAULT_EFFORT, effortOf } from './effort.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-copies-'));
afterAll(() => rmSync(directory, { recursive: true }));
const options = { tempDirectory: directory, effort: effortOf(DEFAULT_EFFORT), threads: 1 };

/** Three blobs, of which the middle one is never read. */
const BLOBS = [seededBytes(1, 5000), seededBytes(2, 3000), seededBytes(3, 7000)];
const space = await openBlobSpace(
  BLOBS.map((bytes, position) => ({ digest: sha256(bytes), sizeBytes: bytes.length, position })),
  BLOBS.map(bytesAccess),
  options,
);

function layerOf(blobBytes: number, streams: readonly StreamInfo[]): PatchLayer {
  const digest = sha256(new Uint8Array(0));
  return {
    diffId: digest,
    tarBytes: 0,
    tar: { kind: 'delta' },
    streams,
    blob: { digest, sizeBytes: blobBytes, mediaType: 'm', source: 'copies' },
  };
}

/** `streams` in two pieces each. */
async function made(layer: PatchLayer, streams: ReadonlyMap<number, Uint8Array>, base: Uint8Array) {
  const pulled = new Map(
    [...streams].map(([stream, bytes]) => [
      stream,
      [bytes.subarray(0, 10), bytes.subarray(10)].filter(({ length }) => length > 0),
    ]),
  );
  const pull = (stream: number) => async () => pulled.get(stream)?.shift();
  const pieces: Uint8Array[] = [];
  for await (const piece of runCopies(layer, { pull, getMixer: shareMixer() }, bytesAccess(base)))
    pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

test('a blob of stretches of the base and of new bytes comes out, and reads only the blobs it names', async () => {
  const part = fc.oneof(
    fc
      .tuple(fc.constantFrom(0, 2), fc.nat(4000), fc.integer({ min: 1, max: 1500 }))
      .map(([blob, at, length]) => BLOBS[blob]!.subarray(at, at + length)),
    fc.uint8Array({ maxLength: 200 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 12 }), async (parts) => {
      const blob = Buffer.concat(parts);
      const copies = await findCopies(bytesAccess(blob), space, options);
      if (copies === undefined) return;
      const { blobs, toPatchAddress } = blobsRead(space, [copies]);
      expect(blobs.map(({ position }) => position)).not.toContain(1);
      const base = blobContent(space, blobs)!;
      const descriptor = { mediaType: 'm', digest: sha256(blob), sizeBytes: blob.length, annotations: {} };
      const plan = { descriptor, source: 'copies' as const, content: bytesAccess(blob), copies };
      const coded = await codeBlob(plan, 0, toPatchAddress, options);
      const bytes = coded.map(({ coded: from }) => readRange(from, 0, from.sizeBytes, from.sizeBytes));
      const streams = new Map(coded.map(({ info }, i) => [info.stream, bytes[i]!]));
      for (const { close } of coded) close();
      const codedBytes = bytes.reduce((sum, { length }) => sum + length, 0);
      expect(codedBytes).toBeLessThanOrEqual(copiesBytes(copies, blob.length));
      const layer = layerOf(
        blob.length,
        coded.map(({ info }) => info),
      );
      const whole = readRange(concatAccess([base]), 0, base.sizeBytes, base.sizeBytes);
      expect((await made(layer, streams, whole)).equals(blob)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

const numbers = (...values: readonly number[]) => Buffer.concat(values.map(encodeVarint));
const BASE = new Uint8Array(100);

test.each([
  ['new bytes reach past the blob', numbers(51), 60, /new bytes of 51 bytes reaches past the 50/],
  ['a copy reaches past the blob', numbers(10, 41, 0), 60, /a copy of 41 bytes reaches past/],
  ['a copy is of nothing', numbers(10, 0, 0), 60, /a copy of 0 bytes/],
  [
    'a copy begins before the base',
    numbers(0, 50, zigzag(-1)),
    0,
    /at -1, outside of the 100 bytes of the base's blobs/,
  ],
  ['a copy ends behind the base', numbers(0, 50, zigzag(51)), 0, /at 51, outside/],
  ['there are too few new bytes', numbers(50), 49, /ends after 49 bytes|literals end/],
  ['there are more new bytes', numbers(50), 51, /stream blob goes on/],
  ['there are more copies', numbers(50, 1), 50, /stream copies goes on/],
  ['there are too few copies', numbers(10), 10, /cut short/],
  ['a number is larger than any', Buffer.alloc(8, 0xff), 0, /larger than 2\^53/],
])('copies are refused when %s', async (_, copies, literalBytes, message) => {
  const stored = (stream: number, size: number): StreamInfo => ({
    stream,
    codec: 0,
    plainBytes: size,
    codedBytes: size,
    windowBits: 0,
  });
  const layer = layerOf(50, [stored(STREAM_BLOB, literalBytes), stored(STREAM_COPIES, copies.length)]);
  const streams = new Map([
    [STREAM_BLOB, new Uint8Array(literalBytes)],
    [STREAM_COPIES, new Uint8Array(copies)],
  ]);
  await expect(made(layer, streams, BASE)).rejects.toThrow(message);
});

test('random copies are refused or give the size they must', async () => {
  const number = fc.oneof(
    fc.nat(60),
    fc.nat(210),
    fc.constantFrom(2 ** 31, 2 ** 52, Number.MAX_SAFE_INTEGER),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(number, { maxLength: 12 }), fc.nat(60), async (values, literalBytes) => {
      const copies = numbers(...values);
      const layer = layerOf(50, []);
      const streams = new Map([
        [STREAM_BLOB, new Uint8Array(literalBytes)],
        [STREAM_COPIES, new Uint8Array(copies)],
      ]);
      const sized = {
        ...layer,
        streams: [...streams].map(([stream, { length }]) => ({
          stream,
          codec: 0 as const,
          plainBytes: length,
          codedBytes: length,
          windowBits: 0,
        })),
      };
      const result = await made(sized, streams, BASE).catch((error: { code: string }) => error.code);
      expect(typeof result === 'string' ? result : result.length).toSatisfy(
        (found: unknown) => found === 'CORRUPT_INPUT' || found === 50,
      );
    }),
  );
});
