/** Windows with digests in them, through the reader of programs and through the second decoder. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { runOps } from '../../test/docs/ops.ts';
import { runStreams } from '../../test/fixtures/programs.ts';
import { seededBytes, seededText } from '../../test/fixtures/random.ts';
import { bytesAccess, readRange } from '../bytes/access.ts';
import { STREAM_OPS } from '../patch/format.ts';
import { openProgramWriter } from './program-writer.ts';
import type { Match } from './residual.ts';
import { writeSeeks } from './source-log.ts';
import { writeWindow } from './write-window.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-window-'));
afterAll(() => rmSync(directory, { recursive: true }));

const FILES = [seededBytes(1, 700), seededBytes(2, 1), seededBytes(3, 300_000)];
const ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha512'];
/** Lines with digests that no file has, where those of the files will stand. */
const BASE = Buffer.concat([
  seededText(4, 2000),
  Buffer.from(createHash('md5').update('x').digest('hex').repeat(40)),
]);
const base = bytesAccess(BASE);

const digestOf = (file: number, algorithm: number, form: 'hex' | 'base64url') =>
  createHash(ALGORITHMS[algorithm - 1]!)
    .update(FILES[file]!)
    .digest(form);

const piece = fc.oneof(
  fc.record({ address: fc.nat(BASE.length - 400), length: fc.integer({ min: 1, max: 400 }) }),
  fc.constantFrom('\n', ' and ', '  usr/share/file\n'),
  fc.record({ file: fc.nat(2), algorithm: fc.integer({ min: 1, max: 4 }), matched: fc.boolean() }),
  fc.record({ file: fc.nat(2), algorithm: fc.constant(3), base64: fc.constant(true), matched: fc.boolean() }),
);
type Piece = typeof piece extends fc.Arbitrary<infer T> ? T : never;

/** The text that the pieces are, and what of it a matcher might have found. */
function laidOut(pieces: readonly Piece[]): { bytes: Buffer; matches: Match[] } {
  const matches: Match[] = [];
  const parts: Buffer[] = [];
  let at = 0;
  for (const each of pieces) {
    let bytes: Buffer;
    if (typeof each === 'string') bytes = Buffer.from(each);
    else if ('address' in each) bytes = BASE.subarray(each.address, each.address + each.length);
    else
      bytes = Buffer.from(
        ` ${digestOf(each.file, each.algorithm, 'base64' in each ? 'base64url' : 'hex')}\n`,
      );
    if (typeof each !== 'string' && ('address' in each || each.matched)) {
      const address = 'address' in each ? each.address : BASE.length - 200;
      matches.push({ newStart: at, address, length: bytes.length });
    }
    parts.push(bytes);
    at += bytes.length;
  }
  return { bytes: Buffer.concat(parts), matches };
}

test('any window comes out as it was, whatever is listed in it', async () => {
  let listedOps = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 6, maxLength: 12 }),
      fc.boolean(),
      async (pieces, afterHeader) => {
        const writer = openProgramWriter(base, directory);
        const made: Uint8Array[] = [];
        const known = new Map<string, number>();
        const { bytes, matches } = laidOut(pieces);
        try {
          for (const [at, content] of FILES.entries()) {
            if (afterHeader) made.push(writeHeader(writer, content.length));
            for (let algorithm = 1; algorithm <= 4; algorithm++) {
              const number = writer.markDigest(algorithm, content.length)!;
              known.set(Buffer.from(digestOf(at, algorithm, 'hex'), 'hex').toString('latin1'), number);
            }
            writer.literal(content, 'binary');
            made.push(content);
          }
          writeWindow(writer, { start: 0, bytes, kind: 'text', matches }, base, known);
          const expected = Buffer.concat([...made, bytes]);
          const program = writer.finish();
          writeSeeks(program.seeks, program.sources, (address) => address);
          const streams = program.streams.map((spool) => {
            const content = spool.content();
            return readRange(content, 0, content.sizeBytes, content.sizeBytes);
          });
          const one = await runStreams({ ...streams }, expected.length, base, directory);
          expect(Buffer.compare(one, expected)).toBe(0);
          const other = runOps(
            expected.length,
            (stream) => streams[stream]!,
            BASE,
            ({ name, length }) => {
              if (name === 'digest' && length >= 8) listedOps++;
            },
          );
          expect(Buffer.compare(other, expected)).toBe(0);
        } finally {
          writer.close();
        }
      },
    ),
    { numRuns: 60 },
  );
  expect(listedOps).toBeGreaterThan(50);
});

/** The zeros before it, and a header that says how large the file is. */
function writeHeader(writer: ReturnType<typeof openProgramWriter>, sizeBytes: number): Uint8Array {
  const padding = (512 - (writer.produced % 512)) % 512;
  const block = Buffer.alloc(512, 'x');
  block.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  writer.zeros(padding);
  writer.header(0, block);
  return Buffer.concat([new Uint8Array(padding), block]);
}

test.each([
  ['that the base has already', 0, 2000],
  ['of which the base has another', 1, 2001],
])('a digest %s is listed %s times', (_, listed, address) => {
  const writer = openProgramWriter(base, directory);
  try {
    const text = createHash('md5').update('x').digest('hex');
    const number = writer.markDigest(1, 1)!;
    writer.literal(Buffer.from('x'), 'text');
    const known = new Map([[Buffer.from(text, 'hex').toString('latin1'), number]]);
    const matches = [{ newStart: 0, address, length: 32 }];
    writeWindow(writer, { start: 0, bytes: Buffer.from(text), kind: 'text', matches }, base, known);
    const { streams, sources } = writer.finish();
    expect(sources.count).toBe(1 - listed);
    // The mark with its size, the literal, and a region or the digest; each a byte, but the region's two.
    expect(streams[STREAM_OPS]!.sizeBytes).toBe(listed === 0 ? 5 : 4);
  } finally {
    writer.close();
  }
});
