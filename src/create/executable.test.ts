/** Executables as the writer plans and writes them, and the reader makes them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { runStreams } from '../../test/fixtures/programs.ts';
import { seededBytes } from '../../test/fixtures/random.ts';
import { buildObject } from '../../test/predict/build-object.ts';
import { programVersions } from '../../test/predict/versions.ts';
import { bytesAccess, type RandomAccess, readRange } from '../bytes/access.ts';
import { findRegions, indexOld } from '../kernels/match.ts';
import type { BaseFile, Catalog } from './catalog.ts';
import { findOldExecutable, planExecutable, writeMatches } from './executable.ts';
import type { ProgramWriter } from './program.ts';
import { openProgramWriter } from './program-writer.ts';
import { type ExecutablePlan, type Match, residualOf } from './residual.ts';
import { writeSeeks } from './source-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-executable-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A base of these contents, 512 bytes between them, whose names say nothing. */
function catalogOf(contents: readonly Uint8Array[]): { catalog: Catalog; bytes: Uint8Array } {
  const files: BaseFile[] = [];
  const parts: Uint8Array[] = [];
  let address = 0;
  for (const [number, content] of contents.entries()) {
    address += 512;
    files.push({
      path: `${number}`,
      headerAddress: address - 512,
      headerBytes: 512,
      address,
      sizeBytes: content.length,
    });
    parts.push(new Uint8Array(512), content);
    address += content.length;
  }
  const bytes = Buffer.concat(parts);
  const none = new Map<never, never>();
  const space = bytesAccess(bytes);
  return {
    catalog: { space, files, opened: [], findSame: () => undefined, byPath: none, byLooseName: none },
    bytes,
  };
}

function matchAll(bytes: Uint8Array, next: Uint8Array): readonly Match[] {
  return findRegions(indexOld(bytes, 0), next).map(({ newStart, oldStart, length }) => ({
    newStart,
    address: oldStart,
    length,
  }));
}

function planFor(
  catalog: Catalog,
  content: RandomAccess,
  matches: readonly Match[],
): ExecutablePlan | undefined {
  const old = findOldExecutable(catalog, content, matches);
  return old && planExecutable(catalog, content, old, matches, [matches]);
}

async function make(
  bytes: Uint8Array,
  tarBytes: number,
  write: (writer: ProgramWriter) => void,
): Promise<{ readonly made: Uint8Array; readonly executables: number }> {
  const base = bytesAccess(bytes);
  const writer = openProgramWriter(base, directory);
  try {
    write(writer);
    const program = writer.finish();
    expect(program.producedBytes).toBe(tarBytes);
    writeSeeks(program.seeks, program.sources, (address) => address);
    const streams = program.streams.map((spool) => {
      const content = spool.content();
      return readRange(content, 0, content.sizeBytes, content.sizeBytes);
    });
    return {
      made: await runStreams({ ...streams }, tarBytes, base, directory),
      executables: program.executables.files,
    };
  } finally {
    writer.close();
  }
}

const noise = seededBytes(7, 20_000);

for (const machine of ['x86-64', 'aarch64'] as const) {
  const [old, next] = programVersions(machine);

  test(`an ${machine} executable is predicted from the file its bytes are of, and comes out exactly`, async () => {
    const { catalog, bytes } = catalogOf([noise, old, noise.subarray(500)]);
    const content = Buffer.concat([next, noise.subarray(6000, 9000), seededBytes(8, 300)]);
    const plan = planFor(catalog, bytesAccess(content), matchAll(bytes, content))!;
    expect([plan.oldAddress, plan.oldBytes]).toEqual([catalog.files[1]!.address, old.length]);
    const plain = residualOf(catalog.space, bytesAccess(content), matchAll(bytes, content), undefined)!;
    expect(plan.residual.diffs.length).toBeLessThan(plain.diffs.length / 3);
    const before = Buffer.from('literals, then regions, before and after');
    const { made, executables } = await make(bytes, 2 * before.length + content.length + 100, (writer) => {
      writer.literal(before, 'text');
      writer.executable(bytesAccess(content), plan);
      writer.region(catalog.files[1]!.address, old.subarray(0, 100));
      writer.literal(before, 'text');
    });
    expect(executables).toBe(1);
    expect(Buffer.compare(made, Buffer.concat([before, content, old.subarray(0, 100), before]))).toBe(0);
  });
}

const [OLD, NEXT] = programVersions('x86-64');

test('an executable of which nothing moved is not predicted', () => {
  const { catalog, bytes } = catalogOf([OLD]);
  const next = Uint8Array.from(OLD);
  next[next.length - 1]! ^= 1;
  expect(planFor(catalog, bytesAccess(next), matchAll(bytes, next))).toBeUndefined();
});

test('what stands in files that are no executables, or in none, is not predicted', () => {
  const content = bytesAccess(Buffer.concat([NEXT.subarray(0, 64), noise.subarray(100, 9000)]));
  const { catalog, bytes } = catalogOf([noise, OLD]);
  const next = readRange(content, 0, content.sizeBytes, content.sizeBytes);
  expect(planFor(catalog, content, matchAll(bytes, next))).toBeUndefined();
  expect(planFor(catalog, content, [])).toBeUndefined();
  expect(planFor(catalog, content, [{ newStart: 0, address: 100, length: 50 }])).toBeUndefined();
});

test('objects, as kernel modules are, are predicted too', () => {
  const functions = Array.from({ length: 60 }, (_, i) => ({
    name: `function_${i}`,
    bytes: 40 + ((i * 37) % 90),
    calls: [`called_${i % 7}`, `called_${i % 11}`],
  }));
  const added = { name: 'added', bytes: 50, calls: ['called_3'] };
  const [old, next] = [
    buildObject({ functions }),
    buildObject({ functions: functions.toSpliced(20, 0, added) }),
  ];
  const { catalog, bytes } = catalogOf([old]);
  const plan = planFor(catalog, bytesAccess(next), matchAll(bytes, next));
  expect(plan).toBeDefined();
  const plain = residualOf(catalog.space, bytesAccess(next), plan!.matches, undefined)!;
  expect(plan!.residual.diffs.length).toBeLessThan(plain.diffs.length / 10);
});

test('memory dumps, though ELF files, cost what they cost without prediction', () => {
  const [old, next] = [Uint8Array.from(OLD), Uint8Array.from(NEXT)];
  for (const file of [old, next]) file[16] = 4;
  const { catalog, bytes } = catalogOf([old]);
  expect(findOldExecutable(catalog, bytesAccess(next), matchAll(bytes, next))).toBe(catalog.files[0]);
  expect(planFor(catalog, bytesAccess(next), matchAll(bytes, next))).toBeUndefined();
});

test('position-dependent executables are predicted too', () => {
  const [old, next] = [Uint8Array.from(OLD), Uint8Array.from(NEXT)];
  for (const file of [old, next]) file[16] = 2;
  const { catalog, bytes } = catalogOf([old]);
  expect(planFor(catalog, bytesAccess(next), matchAll(bytes, next))).toBeDefined();
});

test('any matches, of the old file or not, make the file, predicted or plain', async () => {
  const { catalog, bytes } = catalogOf([noise.subarray(0, 3000), OLD, noise.subarray(4000, 8000)]);
  const old = catalog.files[1]!;
  const match = fc.record({
    skipped: fc.nat(400),
    address: fc.oneof(fc.nat(bytes.length - 1), fc.integer({ min: old.address, max: old.address + 4000 })),
    length: fc.integer({ min: 1, max: 4000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(match, { maxLength: 15 }), async (wanted) => {
      const matches: Match[] = [];
      let at = 0;
      for (const { skipped, address, length } of wanted) {
        const newStart = at + skipped;
        const count = Math.min(length, bytes.length - address, NEXT.length - newStart);
        if (count <= 0) break;
        matches.push({ newStart, address, length: count });
        at = newStart + count;
      }
      const content = bytesAccess(NEXT);
      const residual = residualOf(catalog.space, content, matches, old)!;
      const plan = { oldAddress: old.address, oldBytes: old.sizeBytes, matches, residual };
      const { made } = await make(bytes, 2 * NEXT.length, (writer) => {
        writer.executable(content, plan);
        writeMatches(writer, content, matches);
      });
      expect(Buffer.compare(made, Buffer.concat([NEXT, NEXT]))).toBe(0);
    }),
    { numRuns: 40 },
  );
});
