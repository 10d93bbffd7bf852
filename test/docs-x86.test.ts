/** Holds the tables of x86-64 instructions in docs/executables.md against what the predictor goes by. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesAccess } from '../src/bytes/access.ts';
import { MACHINE_X86_64, parseElfImage } from '../src/predict/elf/image.ts';
import { openOldBytes } from '../src/predict/elf/old-bytes.ts';
import { decodeInstruction, newInstruction } from '../src/predict/elf/x86-length.ts';
import { decodeByDocument, readTables } from './docs/x86.ts';

const TABLES = readTables(readFileSync(new URL('../docs/executables.md', import.meta.url), 'utf8'));
const instruction = newInstruction();

/** Compares both on the instruction at the beginning of `code`, of at least 32 bytes; answers its length. */
function compare(code: Uint8Array): number {
  decodeInstruction(code, 0, instruction);
  const { length, relative, absolute, immediate, branch, branchBytes, lea } = decodeByDocument(TABLES, code);
  const same =
    length === instruction.length &&
    relative === instruction.ripField &&
    absolute === instruction.absoluteField &&
    immediate === instruction.immediateField &&
    branch === instruction.branchField &&
    (branch < 0 || branchBytes === instruction.branchBytes) &&
    lea === instruction.isLea;
  if (!same)
    expect({ length, relative, absolute, immediate, branch, branchBytes, lea }).toEqual({ ...instruction });
  return length;
}

test('every opcode, behind every prefix and in every map, is as the document says', () => {
  const rest = [0, 1, 2, 3].flatMap((mod) =>
    [0, 4, 5].flatMap((rm) => [0, 1, 2, 7].map((reg) => (mod << 6) | (reg << 3) | rm)),
  );
  const before = [
    ...['', '66', '67', '48', '44', '66 48', 'f2 0f', '0f', '0f 38', '0f 3a', 'c5 f8'],
    ...['c4 e1 78', 'c4 e2 78', 'c4 e3 78', 'c4 e0 78', '62 f1 fe 48', '62 f3 fe 48', '62 f0 fe 48'],
    ...['2e 2e 2e 2e 2e 2e', '66 66 66 66 66 66 66', '64 f0 67'],
  ];
  for (const each of before) {
    const head = Buffer.from(each.replaceAll(' ', ''), 'hex');
    for (let opcode = 0; opcode < 256; opcode++)
      for (const modrm of rest)
        compare(Uint8Array.from([...head, opcode, modrm, modrm, ...new Array(32).fill(5)]));
  }
});

test('any bytes are as the document says', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (code) => {
      compare(code);
    }),
    { numRuns: 20_000 },
  );
});

test('the code of the program that runs this is as the document says', (context) => {
  const program = readFileSync(process.execPath);
  const image = parseElfImage(openOldBytes(bytesAccess(program)));
  if (image?.machine !== MACHINE_X86_64) return context.skip();
  const code = image.areas.find((each) => each.kind === 'code' && each.end - each.start > 1 << 20)!;
  let count = 0;
  for (let at = code.start; at < code.start + (1 << 20); count++)
    at += compare(program.subarray(at, at + 32));
  expect(count).toBeGreaterThan(100_000);
});
