import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, entries, extension, file, record } from '../../test/fixtures/tar.ts';
import { END_OF_ARCHIVE, encodeTarHeader } from './encode.ts';
import { readTarStream } from './stream.ts';

/** `tar` in pieces of the sizes given, round and round; empty pieces as sockets may give them too. */
async function* inPieces(tar: Uint8Array, sizes: readonly number[], onClose?: () => void) {
  try {
    for (let at = 0, turn = 0; at < tar.length; turn++) {
      const size = sizes[turn % sizes.length]!;
      yield tar.slice(at, at + size);
      at += size;
    }
  } finally {
    onClose?.();
  }
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const entry of readTarStream(source)) {
    const pieces: Buffer[] = [];
    for await (const piece of entry.content) pieces.push(Buffer.from(piece));
    found.push([entry.path, Buffer.concat(pieces).toString('latin1')]);
  }
  return found;
}

const SAMPLE = bytes(
  encodeTarHeader({ path: 'blobs/', type: 'directory' }),
  extension('x', record('path', 'blobs/a')),
  file({ path: 'short' }, 'content of a'),
  file({ path: 'n'.repeat(300) }, 'x'.repeat(1024)),
  encodeTarHeader({ path: 'link', type: 'symlink', linkTarget: 'blobs/a' }),
  END_OF_ARCHIVE,
);
const CONTENTS = [
  ['blobs/', ''],
  ['blobs/a', 'content of a'],
  ['n'.repeat(300), 'x'.repeat(1024)],
  ['link', ''],
];

describe('a tar stream', () => {
  test('gives the same entries and contents however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 5 }),
        async (sizes) => {
          fc.pre(sizes.some((size) => size > 0));
          expect(await readAll(inPieces(SAMPLE, sizes))).toEqual(CONTENTS);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('gives the entries the walker gives', async () => {
    const streamed = [];
    for await (const { content: _, ...entry } of readTarStream(inPieces(SAMPLE, [77]))) streamed.push(entry);
    expect(streamed).toEqual(entries(SAMPLE));
  });

  test('steps over what is left of a content, also after a break', async () => {
    const paths: string[] = [];
    for await (const entry of readTarStream(inPieces(SAMPLE, [7]))) {
      paths.push(entry.path);
      for await (const _ of entry.content) break;
    }
    expect(paths).toEqual(CONTENTS.map(([path]) => path));
  });

  test('is read to its end, so that a connection can be used again', async () => {
    let closed = 0;
    let given = 0;
    async function* counted() {
      for await (const piece of inPieces(bytes(SAMPLE, new Uint8Array(9000)), [100], () => closed++)) {
        given += piece.length;
        yield piece;
      }
    }
    await readAll(counted());
    expect([given, closed]).toEqual([SAMPLE.length + 9000, 1]);
  });

  test('is closed when it is left early', async () => {
    let closed = 0;
    for await (const _ of readTarStream(inPieces(SAMPLE, [512], () => closed++))) break;
    expect(closed).toBe(1);
  });

  test('passes on what its source throws', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield SAMPLE.subarray(0, 700);
      throw new Error('connection reset');
    }
    await expect(readAll(broken())).rejects.toThrow('connection reset');
  });

  test('that is cut off anywhere before its end mark is corrupt', async () => {
    for (let length = 0; length < SAMPLE.length - 1024 + 512; length += 131) {
      await expect(
        readAll(inPieces(SAMPLE.subarray(0, length), [400])),
        `${length} bytes`,
      ).rejects.toMatchObject({
        code: 'CORRUPT_INPUT',
      });
    }
    await expect(readAll(inPieces(SAMPLE.subarray(0, -1024), [400]))).rejects.toThrow(
      `the tar stream ends at ${SAMPLE.length - 1024}, before the zero block that marks its end`,
    );
    await expect(readAll(inPieces(file({ path: 'ab' }, 'hello').subarray(0, 514), [400]))).rejects.toThrow(
      'the tar stream ends at 514, with 3 of 5 bytes of ab missing',
    );
  });

  test('with a bad header is corrupt, and says where', async () => {
    const tar = bytes(file({ path: 'a' }, ''), 'garbage'.repeat(100), END_OF_ARCHIVE);
    await expect(readAll(inPieces(tar, [512]))).rejects.toThrow('the tar header at 512 has a wrong checksum');
  });
});
