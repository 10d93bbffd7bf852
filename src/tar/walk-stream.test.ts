import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, extension, file, record, walk } from '../../test/fixtures/tar.ts';
import { END_OF_ARCHIVE, encodeTarHeader } from './encode.ts';
import type { TarSegment } from './walk.ts';
import { walkTarStream } from './walk-stream.ts';

const SAMPLE = bytes(
  encodeTarHeader({ path: 'folder/', type: 'directory' }),
  extension('x', record('path', 'folder/a')),
  file({ path: 'short' }, 'content of a'),
  file({ path: 'n'.repeat(300) }, 'x'.repeat(1024)),
  END_OF_ARCHIVE,
  'what comes after',
);

async function walkStream(tar: Uint8Array, pieceBytes: number): Promise<TarSegment[]> {
  async function* pieces() {
    for (let at = 0; at < tar.length; at += pieceBytes) yield tar.slice(at, at + pieceBytes);
  }
  const found: TarSegment[] = [];
  for await (const segment of walkTarStream(pieces())) found.push(segment);
  return found;
}

describe('a walk over a stream', () => {
  const piece = fc.integer({ min: 1, max: 1500 });
  const length = fc.integer({ min: 0, max: SAMPLE.length });

  test('gives what a walk over the bytes gives, wherever the tar is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(length, piece, async (end, pieceBytes) => {
        const tar = SAMPLE.subarray(0, end);
        expect(await walkStream(tar, pieceBytes)).toEqual(walk(tar));
      }),
      { numRuns: 300 },
    );
  });

  test('gives the same when any byte is another', async () => {
    await fc.assert(
      fc.asyncProperty(length, fc.integer({ min: 1, max: 255 }), piece, async (at, change, pieceBytes) => {
        const tar = SAMPLE.slice();
        if (at < tar.length) tar[at]! ^= change;
        expect(await walkStream(tar, pieceBytes)).toEqual(walk(tar));
      }),
      { numRuns: 300 },
    );
  });
});
