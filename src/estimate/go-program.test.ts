import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesAccess } from '../bytes/access.ts';
import { isGoProgram } from './go-program.ts';

/** An ELF file of 64 bits with nothing but the names of its sections. */
function elfWith(names: string, change: (view: DataView) => void = () => {}): Uint8Array {
  const file = Buffer.concat([Buffer.alloc(128), Buffer.from(names)]);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  file.writeBigUInt64LE(64n, 40);
  file.writeBigUInt64LE(128n, 64 + 24);
  file.writeBigUInt64LE(BigInt(names.length), 64 + 32);
  change(new DataView(file.buffer, file.byteOffset, file.length));
  return file;
}

test("a program is Go's when one of its sections is Go's table of functions", () => {
  expect(isGoProgram(bytesAccess(elfWith('\0.text\0.gopclntab\0')))).toBe(true);
  expect(isGoProgram(bytesAccess(elfWith('\0.text\0.gopclntabs\0')))).toBe(false);
  expect(isGoProgram(bytesAccess(elfWith('\0.text\0')))).toBe(false);
});

test('is not read beyond its end, whatever it claims', () => {
  const file = elfWith('\0.gopclntab\0');
  fc.assert(
    fc.property(
      fc.constantFrom(40, 64 + 24, 64 + 32),
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      fc.nat(file.length),
      (at, value, length) => {
        const changed = Uint8Array.from(file);
        new DataView(changed.buffer).setBigUint64(at, value, true);
        expect(typeof isGoProgram(bytesAccess(changed))).toBe('boolean');
        expect(isGoProgram(bytesAccess(file.subarray(0, length)))).toBe(length === file.length);
      },
    ),
  );
});
