/** What the writer of programs writes, the reader of programs makes: both folders' halves of one format. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { runStreams } from '../../test/fixtures/programs.ts';
import { seededBytes, seededNoise } from '../../test/fixtures/random.ts';
import { bytesAccess, readRange } from '../bytes/access.ts';
import { STREAM_GAPS, STREAM_OPS, STREAM_SEEKS } from '../patch/format.ts';
import type { Program, ProgramWriter } from './program.ts';
import { openProgramWriter } from './program-writer.ts';
import { writeSeeks } from './source-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-program-'));
afterAll(() => rmSync(directory, { recursive: true }));

const BASE = Buffer.concat([seededBytes(1, 3000), new Uint8Array(2000), seededBytes(2, 3192)]);
const base = bytesAccess(BASE);

/** A layer as the reader is told of it, with the program's streams stored as they are. */
async function run(program: Program, tarBytes: number): Promise<Uint8Array> {
  writeSeeks(program.seeks, program.sources, (address) => address);
  const streams = program.streams.map((spool) => {
    const content = spool.content();
    return readRange(content, 0, content.sizeBytes, content.sizeBytes);
  });
  return await runStreams({ ...streams }, tarBytes, base, directory);
}

async function written(
  write: (writer: ProgramWriter) => Uint8Array,
): Promise<{ program: Program; made: Uint8Array; expected: Uint8Array }> {
  const writer = openProgramWriter(base, directory);
  try {
    const expected = write(writer);
    expect(writer.produced).toBe(expected.length);
    const program = writer.finish();
    expect(program.producedBytes).toBe(expected.length);
    return { program, made: await run(program, expected.length), expected };
  } finally {
    writer.close();
  }
}

const address = fc.nat(BASE.length - 600);
const step = fc.oneof(
  fc.record({
    kind: fc.constant('region' as const),
    address,
    length: fc.nat(600),
    changes: fc.array(fc.nat(599), { maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('same' as const), address, length: fc.nat(600) }),
  fc.record({
    kind: fc.constant('literal' as const),
    bytes: fc.uint8Array({ maxLength: 700 }),
    text: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('zeros' as const), count: fc.nat(1100) }),
  fc.record({ kind: fc.constant('pad' as const) }),
  fc.record({
    kind: fc.constant('header' as const),
    address,
    changes: fc.array(fc.tuple(fc.nat(511), fc.nat(255)), { maxLength: 4 }),
  }),
);

function take(
  writer: ProgramWriter,
  each: typeof step extends fc.Arbitrary<infer T> ? T : never,
): Uint8Array {
  switch (each.kind) {
    case 'region': {
      const bytes = Uint8Array.from(BASE.subarray(each.address, each.address + each.length));
      for (const at of each.changes) if (at < bytes.length) bytes[at]! += 77;
      if (bytes.length > 0) writer.region(each.address, bytes);
      return bytes;
    }
    case 'same':
      writer.sameRegion(each.address, each.length);
      return BASE.subarray(each.address, each.address + each.length);
    case 'literal':
      writer.literal(each.bytes, each.text ? 'text' : 'binary');
      return each.bytes;
    case 'zeros':
      writer.zeros(each.count);
      return new Uint8Array(each.count);
    case 'pad': {
      const count = (512 - (writer.produced % 512)) % 512;
      writer.zeros(count);
      return new Uint8Array(count);
    }
    case 'header': {
      // Headers stand at whole blocks only.
      const pad = take(writer, { kind: 'pad' });
      const block = Uint8Array.from(BASE.subarray(each.address, each.address + 512));
      for (const [at, byte] of each.changes) block[at] = byte;
      writer.header(each.address, block);
      return Buffer.concat([pad, block]);
    }
  }
}

test('any program makes what was written, and leaves no file', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { made, expected } = await written((writer) =>
        Buffer.concat(steps.map((each) => take(writer, each))),
      );
      expect(Buffer.compare(made, expected)).toBe(0);
      expect(readdirSync(directory)).toEqual([]);
    }),
    { numRuns: 400 },
  );
});

const sizes = ({ streams }: Program) => streams.map(({ sizeBytes }) => sizeBytes);

test('regions that go on where the last one ended become one op', async () => {
  const { program } = await written((writer) => {
    for (let at = 0; at < 2000; at += 100) writer.sameRegion(at, 100);
    return BASE.subarray(0, 2000);
  });
  expect([sizes(program)[STREAM_OPS], sizes(program)[STREAM_SEEKS], sizes(program)[STREAM_GAPS]]).toEqual([
    2, 1, 2,
  ]);
});

test('long repetitions of new bytes, far apart, are written once', async () => {
  const noise = seededNoise(3, 9 << 20);
  const { program, made, expected } = await written((writer) => {
    writer.literal(noise, 'binary');
    writer.literal(noise.subarray(1000, 400_000), 'binary');
    return Buffer.concat([noise, noise.subarray(1000, 400_000)]);
  });
  expect(Buffer.compare(made, expected)).toBe(0);
  const total = sizes(program).reduce((sum, size) => sum + size, 0);
  expect(total).toBeLessThan(noise.length + 1000);
});
