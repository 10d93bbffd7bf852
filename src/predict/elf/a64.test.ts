import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  adrUnits,
  branchDistance,
  branchForm,
  isAdr,
  isAdrp,
  isCall,
  offsetBase,
  offsetScale,
  offsetUnits,
  pageOf,
  withAdrUnits,
  withBranchDistance,
  withOffsetUnits,
  writtenRegister,
} from './a64.ts';

test('fields are read as a disassembler reads them', () => {
  // bl #-4 · b #8 · b.ne #16 · cbz x0, #32 · tbnz w1, #3, #-8 · ldr x2, #64
  for (const [word, distance] of [
    [0x97ffffff, -4],
    [0x14000002, 8],
    [0x54000081, 16],
    [0xb4000100, 32],
    [0x371fffc1, -8],
    [0x58000202, 64],
  ] as const) {
    const form = branchForm(word | 0)!;
    expect(branchDistance(word | 0, form)).toBe(distance);
    expect(isCall(form)).toBe(word === 0x97ffffff || word === 0x14000002);
  }
  // adrp x0, #0x3000 · adr x1, #-1
  expect([isAdrp(0xf0000000 | 0), adrUnits(0xf0000000 | 0)]).toEqual([true, 3]);
  expect([isAdr(0x70ffffe1), adrUnits(0x70ffffe1)]).toEqual([true, -1]);
  // add x0, x1, #0x10 · ldr x3, [x4, #24] · ldrb w5, [x6, #7] · ldr q0, [x7, #32] · str w8, [x9, #4]
  for (const [word, scale, base, units, written] of [
    [0x91004020, 0, 1, 16, 0],
    [0xf9400c83, 3, 4, 3, 3],
    [0x39401cc5, 0, 6, 7, 5],
    [0x3dc008e0, 4, 7, 2, 0],
    [0xb9000528, 2, 9, 1, -1],
  ] as const) {
    expect(offsetScale(word | 0)).toBe(scale);
    expect(offsetBase(word | 0)).toBe(base);
    expect(offsetUnits(word | 0)).toBe(units);
    expect(writtenRegister(word | 0)).toBe(written);
  }
  // mov x0, x1 is none of these.
  expect(branchForm(0xaa0103e0 | 0)).toBeUndefined();
  expect(offsetScale(0xaa0103e0 | 0)).toBe(-1);
});

test('what is written into a field is read back, and the rest of the instruction stays', () => {
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(word, fc.integer({ min: -(2 ** 27), max: 2 ** 27 }), (instruction, wanted) => {
      const form = branchForm(instruction);
      if (form !== undefined) {
        const moved = withBranchDistance(instruction, form, wanted);
        if (moved !== undefined) {
          expect(branchForm(moved)).toBe(form);
          expect(branchDistance(moved, form)).toBe(wanted);
          expect(withBranchDistance(moved, form, branchDistance(instruction, form))).toBe(instruction);
        } else expect(wanted % 4 !== 0 || Math.abs(wanted) >= 2 ** (form.bits + 1)).toBe(true);
      }
      const adr = (instruction & ~0x1f000000) | 0x10000000;
      const units = (wanted % 2 ** 20) | 0;
      const moved = withAdrUnits(adr, units)!;
      expect(adrUnits(moved)).toBe(units);
      expect(withAdrUnits(moved, adrUnits(adr))).toBe(adr);
      expect(offsetUnits(withOffsetUnits(instruction, wanted & 0xfff))).toBe(wanted & 0xfff);
      expect(withOffsetUnits(withOffsetUnits(instruction, 1), offsetUnits(instruction))).toBe(instruction);
    }),
    { numRuns: 5000 },
  );
  expect(withAdrUnits(0x10000000, 2 ** 20)).toBeUndefined();
});

test('a page begins at a multiple of 4096 at or before the address, below zero too', () => {
  expect([0, 1, 4095, 4096, -1, -4096].map(pageOf)).toEqual([0, 0, 0, 4096, -4096, -4096]);
});
