/** Programs with executables in them whose numbers lie, and such whose old file is none. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { runStreams } from '../../test/fixtures/programs.ts';
import { seededBytes } from '../../test/fixtures/random.ts';
import { programVersions } from '../../test/predict/versions.ts';
import { bytesAccess, type RandomAccess } from '../bytes/access.ts';
import { encodeVarint, zigzag } from '../bytes/varint.ts';
import { DidiffError } from '../errors.ts';
import {
  MAX_EXECUTABLE_OPS,
  OP_BINARY,
  OP_BITS,
  OP_EXECUTABLE,
  OP_HEADER,
  OP_REGION,
  OP_REPEAT,
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
} from '../patch/format.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-executable-'));
afterAll(() => rmSync(directory, { recursive: true }));

const [ELF] = programVersions('x86-64');
const NOISE = seededBytes(1, 5000);
const BASE = Buffer.concat([NOISE, ELF, NOISE]);
const OLD = NOISE.length;

const op = (code: number, length: number) => encodeVarint(length * 2 ** OP_BITS + code);
const number = encodeVarint;
const seek = (distance: number) => encodeVarint(zigzag(distance));
const joined = (...parts: readonly Uint8Array[]) => Buffer.concat(parts);
/** The op with its old file's size; the old file's address is the first seek. */
const executable = (length: number, oldBytes: number) => joined(op(OP_EXECUTABLE, length), number(oldBytes));

async function run(streams: Record<number, Uint8Array>, tarBytes: number, base = BASE): Promise<Uint8Array> {
  return await runStreams(streams, tarBytes, bytesAccess(base), directory);
}

test('a file of equal bytes comes out of one region', async () => {
  const made = await run(
    {
      [STREAM_OPS]: joined(executable(ELF.length, ELF.length), op(OP_REGION, ELF.length)),
      [STREAM_SEEKS]: joined(seek(OLD), seek(0)),
      [STREAM_GAPS]: number(ELF.length),
    },
    ELF.length,
  );
  expect(Buffer.compare(made, ELF)).toBe(0);
});

test('an old file that is no executable gives its bytes as they are', async () => {
  const made = await run(
    {
      [STREAM_OPS]: joined(executable(3010, 4000), op(OP_BINARY, 10), op(OP_REGION, 3000)),
      [STREAM_SEEKS]: joined(seek(100), seek(50)),
      [STREAM_GAPS]: joined(number(7), number(2992)),
      [STREAM_DIFFS]: Uint8Array.of(5),
      [STREAM_BINARY]: NOISE.subarray(0, 10),
    },
    3010,
  );
  const region = NOISE.slice(150, 3150);
  region[7]! += 5;
  expect(Buffer.compare(made, joined(NOISE.subarray(0, 10), region))).toBe(0);
});

test('regions of other files are made of their bytes, wherever they stand', async () => {
  const tail = OLD + ELF.length + 1000;
  const made = await run(
    {
      [STREAM_OPS]: joined(
        executable(ELF.length + 500, ELF.length),
        op(OP_REGION, 300),
        op(OP_REGION, ELF.length),
        op(OP_REGION, 200),
      ),
      [STREAM_SEEKS]: joined(seek(OLD), seek(tail - OLD), seek(OLD - tail - 300), seek(-OLD - ELF.length)),
      [STREAM_GAPS]: joined(number(0), number(2), number(ELF.length + 496)),
      [STREAM_DIFFS]: Uint8Array.of(1, 1),
    },
    ELF.length + 500,
  );
  const expected = joined(BASE.subarray(tail, tail + 300), NOISE.subarray(0, 200));
  expected[0]! += 1;
  expected[3]! += 1;
  expect(Buffer.compare(made.subarray(0, 300), expected.subarray(0, 300))).toBe(0);
  expect(Buffer.compare(made.subarray(300 + ELF.length), expected.subarray(300))).toBe(0);
});

test('what is new in an executable can be repeated in it', async () => {
  const made = await run(
    {
      [STREAM_OPS]: joined(executable(500, ELF.length), op(OP_BINARY, 300), op(OP_REPEAT, 200)),
      [STREAM_SEEKS]: seek(OLD),
      [STREAM_BINARY]: NOISE.subarray(0, 300),
      [STREAM_REPEATS]: seek(100),
    },
    500,
  );
  expect(Buffer.compare(made, joined(NOISE.subarray(0, 300), NOISE.subarray(100, 300)))).toBe(0);
});

const whole = { [STREAM_GAPS]: number(600), [STREAM_SEEKS]: joined(seek(OLD), seek(0)) };

const LIES: readonly (readonly [what: string, streams: Record<number, Uint8Array>, message: RegExp])[] = [
  ['the file is longer than the layer', { [STREAM_OPS]: executable(601, 10) }, /past the layer's 600 bytes/],
  ['the file has no length', { [STREAM_OPS]: executable(0, 10) }, /code 5 has the length 0/],
  [
    'the old file reaches past the base',
    { [STREAM_OPS]: executable(600, BASE.length - OLD + 1), ...whole },
    /old file of \d+ bytes at 5000 is not inside/,
  ],
  [
    'the old file is larger than any',
    { [STREAM_OPS]: executable(600, Number.MAX_SAFE_INTEGER), ...whole },
    /is not inside of the base/,
  ],
  [
    'the old file begins past the base',
    { [STREAM_OPS]: executable(600, 0), [STREAM_SEEKS]: seek(BASE.length + 1) },
    /outside of the \d+ bytes of the base/,
  ],
  ['the old file has no size', { ...whole, [STREAM_OPS]: op(OP_EXECUTABLE, 600) }, /size is cut short/],
  [
    'an op in it reaches past it',
    { ...whole, [STREAM_OPS]: joined(executable(600, ELF.length), op(OP_REGION, 601)) },
    /past the executable's last 600 bytes/,
  ],
  [
    'a header is in it',
    { ...whole, [STREAM_OPS]: joined(executable(600, ELF.length), op(OP_HEADER, 0)) },
    /code 3 and length 0 can't make/,
  ],
  [
    'an executable is in it',
    { ...whole, [STREAM_OPS]: joined(executable(600, ELF.length), executable(600, ELF.length)) },
    /no op of code 5/,
  ],
  [
    'something is repeated before it is new',
    {
      ...whole,
      [STREAM_OPS]: joined(executable(600, ELF.length), op(OP_REPEAT, 300), op(OP_BINARY, 300)),
      [STREAM_BINARY]: NOISE.subarray(0, 300),
      [STREAM_REPEATS]: seek(0),
    },
    /outside of the 0 bytes of what was new/,
  ],
  ['its ops end early', { ...whole, [STREAM_OPS]: executable(600, ELF.length) }, /an op is cut short/],
  [
    'its gaps end early',
    {
      ...whole,
      [STREAM_OPS]: joined(executable(600, ELF.length), op(OP_REGION, 600)),
      [STREAM_GAPS]: number(5),
      [STREAM_DIFFS]: Uint8Array.of(1),
    },
    /a gap is cut short/,
  ],
  [
    'its differences end early',
    {
      ...whole,
      [STREAM_OPS]: joined(executable(600, ELF.length), op(OP_REGION, 600)),
      [STREAM_GAPS]: joined(number(5), number(593)),
    },
    /differences end before the gaps/,
  ],
];

test.each(LIES)('a program is refused when %s', async (_, streams, message) => {
  const refusal = await run(streams, 600).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(DidiffError);
  expect(refusal).toMatchObject({ code: 'CORRUPT_INPUT', message: expect.stringMatching(message) });
});

test('a file of 2 GiB and more is refused before anything is allocated for it', async () => {
  const run = runStreams(
    { [STREAM_OPS]: executable(2 ** 31, 10), [STREAM_SEEKS]: seek(OLD) },
    2 ** 40,
    bytesAccess(BASE),
    directory,
  );
  await expect(run).rejects.toThrow(/executable of 2147483648 bytes is larger/);
});

test('more ops than a reader holds are refused, however large the file is', async () => {
  const count = MAX_EXECUTABLE_OPS + 1;
  const ops = joined(executable(2 ** 30, ELF.length), Buffer.alloc(count, op(OP_REGION, 1)));
  const seeks = joined(seek(OLD), Buffer.alloc(count, seek(-1)).fill(seek(0), 0, 1));
  const reads: RandomAccess = bytesAccess(BASE);
  const run = runStreams({ [STREAM_OPS]: ops, [STREAM_SEEKS]: seeks }, 2 ** 31, reads, directory);
  await expect(run).rejects.toThrow(/made by more than 262144 ops/);
});

test('whatever the regions and the old file are, every byte is made or the program is refused', async () => {
  const region = fc.record({ at: fc.nat(ELF.length - 1), length: fc.integer({ min: 1, max: 3000 }) });
  const change = fc.tuple(fc.nat(ELF.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(
      fc.array(region, { minLength: 1, maxLength: 12 }),
      fc.array(change, { maxLength: 30 }),
      fc.nat(4),
      async (regions, changes, lead) => {
        const base = Buffer.from(BASE);
        for (const [at, byte] of changes) base[OLD + at] = byte;
        const ops: Uint8Array[] = [];
        const seeks = [seek(OLD)];
        let expected = OLD;
        let length = 0;
        for (const { at, length: wanted } of regions) {
          const count = Math.min(wanted, ELF.length - at);
          if (lead > 0) ops.push(op(OP_BINARY, lead));
          ops.push(op(OP_REGION, count));
          seeks.push(seek(OLD + at - expected));
          expected = OLD + at + count;
          length += lead + count;
        }
        const streams = {
          [STREAM_OPS]: joined(executable(length, ELF.length), ...ops),
          [STREAM_SEEKS]: joined(...seeks),
          [STREAM_GAPS]: number(length - lead * regions.length),
          [STREAM_BINARY]: NOISE.subarray(0, lead * regions.length),
        };
        expect((await run(streams, length, base)).length).toBe(length);
      },
    ),
    { numRuns: 80 },
  );
});
