import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layerLikeBytes } from '../../test/deflate/plain.ts';
import { bytesAccess } from '../bytes/access.ts';
import { DidiffError } from '../errors.ts';
import { FIRST_MATCH } from './codes.ts';
import { DeflateReader } from './reader.ts';
import { scanGzip } from './scan.ts';

/** What the tokens of a stream stand for. */
function inflate(stream: Uint8Array, batch: number): Uint8Array {
  const reader = new DeflateReader(bytesAccess(stream), 0);
  const tokens = new Uint32Array(batch);
  const out: number[] = [];
  for (;;) {
    const block = reader.readHeader();
    if (block.type === 'stored') {
      const end = reader.bytePosition;
      out.push(...stream.subarray(end - block.storedBytes, end));
    }
    while (reader.inBlock) {
      const count = reader.readTokens(tokens);
      for (const token of tokens.subarray(0, count)) {
        if (token < FIRST_MATCH) out.push(token);
        else for (let left = token >>> 16; left > 0; left--) out.push(out[out.length - (token & 0xffff)]!);
      }
    }
    expect(reader.plainBytes).toBe(out.length);
    if (block.isFinal) break;
  }
  expect(reader.bytePosition).toBe(stream.length);
  return Uint8Array.from(out);
}

describe('the reader of DEFLATE', () => {
  test('finds the tokens that make the plain bytes, whatever the level and the batch', () => {
    for (const [round, level] of [0, 1, 3, 6, 9].entries()) {
      const plain = layerLikeBytes(150_000, round + 1);
      const stream = deflateRawSync(plain, { level });
      expect(Buffer.compare(inflate(stream, 1 + round * 999), plain)).toBe(0);
    }
    for (const plain of [new Uint8Array(0), new Uint8Array(1), new Uint8Array(70_000)]) {
      expect(inflate(deflateRawSync(plain), 100)).toEqual(plain);
    }
  });

  test('says that any damaged or cut stream is, in its own words, and never reads on for ever', () => {
    const stream = deflateRawSync(layerLikeBytes(20_000, 9));
    fc.assert(
      fc.property(fc.nat(stream.length - 1), fc.nat(255), fc.boolean(), (at, value, isCut) => {
        const damaged = isCut ? stream.subarray(0, at) : Uint8Array.from(stream);
        if (!isCut) damaged[at] = value;
        try {
          inflate(damaged, 512);
          return inflateRawSync(damaged).length >= 0;
        } catch (error) {
          // A change that happens to end the stream early is no damage to the reader.
          return (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') || !isDidiffCase(error);
        }
      }),
      { numRuns: 400 },
    );
  });

  test.each([
    ['a reserved block type', [0x07]],
    ['more codes than fit', [0x05, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['a stored length that fails its check', [0x01, 0x05, 0x00, 0x05, 0x00, 1, 2, 3, 4, 5]],
    ['a stored length beyond the end', [0x01, 0xff, 0xff, 0x00, 0x00, 1, 2, 3]],
    ['a match that begins before the start', [0x03, 0x02]],
  ])('refuses %s', (_, bytes) => {
    expect(() => inflate(Uint8Array.from(bytes), 100)).toThrow(DidiffError);
  });

  test('gives up a blob of more flushes than it was told to take', () => {
    const marker = [0x00, 0x00, 0x00, 0xff, 0xff];
    const header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    const endless = Uint8Array.from([...header, ...Array.from({ length: 50 }, () => marker).flat()]);
    expect(() => scanGzip(bytesAccess(endless), { eventLimit: 20 })).toThrow(/more than 20/);
  });
});

/** Whether an error is an assertion of this test rather than the reader's. */
function isDidiffCase(error: unknown): boolean {
  return !(error instanceof Error && error.name === 'AssertionError');
}
