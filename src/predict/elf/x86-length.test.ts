import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeInstruction, MAX_INSTRUCTION_BYTES, newInstruction } from './x86-length.ts';

function decode(hex: string) {
  const code = new Uint8Array(MAX_INSTRUCTION_BYTES + 16);
  code.set(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const instruction = newInstruction();
  decodeInstruction(code, 0, instruction);
  return instruction;
}

test('instructions have the length an assembler gives them', () => {
  // From `objdump -d`; the bytes are the whole instruction.
  for (const [hex, meaning] of [
    ['90', 'nop'],
    ['f3 0f 1e fa', 'endbr64'],
    ['55', 'push %rbp'],
    ['41 57', 'push %r15'],
    ['48 89 e5', 'mov %rsp,%rbp'],
    ['48 83 ec 18', 'sub $0x18,%rsp'],
    ['48 81 ec 00 01 00 00', 'sub $0x100,%rsp'],
    ['66 81 3c 24 34 12', 'cmpw $0x1234,(%rsp)'],
    ['48 b8 88 77 66 55 44 33 22 11', 'movabs $0x1122334455667788,%rax'],
    ['b8 01 00 00 00', 'mov $0x1,%eax'],
    ['66 b8 01 00', 'mov $0x1,%ax'],
    ['c7 44 24 08 01 00 00 00', 'movl $0x1,0x8(%rsp)'],
    ['48 8b 84 24 90 00 00 00', 'mov 0x90(%rsp),%rax'],
    ['ff 24 c5 00 10 40 00', 'jmp *0x401000(,%rax,8)'],
    ['f6 43 08 01', 'testb $0x1,0x8(%rbx)'],
    ['f7 d8', 'neg %eax'],
    ['f7 05 00 00 00 00 01 00 00 00', 'testl $0x1,0x0(%rip)'],
    ['0f b6 c0', 'movzbl %al,%eax'],
    ['66 0f 6f 05 00 00 00 00', 'movdqa 0x0(%rip),%xmm0'],
    ['66 0f 3a 0f c1 08', 'palignr $0x8,%xmm1,%xmm0'],
    ['66 0f 38 00 c1', 'pshufb %xmm1,%xmm0'],
    ['c5 f8 77', 'vzeroupper'],
    ['c5 fd 6f 05 00 00 00 00', 'vmovdqa 0x0(%rip),%ymm0'],
    ['c4 e3 7d 39 c1 01', 'vextracti128 $0x1,%ymm0,%xmm1'],
    ['c4 e2 7d 18 07', 'vbroadcastss (%rdi),%ymm0'],
    ['62 f1 fe 48 6f 07', 'vmovdqu64 (%rdi),%zmm0'],
    ['66 2e 0f 1f 84 00 00 00 00 00', 'cs nopw 0x0(%rax,%rax,1)'],
    ['c8 10 00 00', 'enter $0x10,$0x0'],
    ['a8 01', 'test $0x1,%al'],
    ['64 48 8b 04 25 28 00 00 00', 'mov %fs:0x28,%rax'],
    ['48 a1 88 77 66 55 44 33 22 11', 'movabs 0x1122334455667788,%rax'],
    ['f0 48 0f b1 0d 00 00 00 00', 'lock cmpxchg %rcx,0x0(%rip)'],
  ] as const) {
    expect(decode(hex).length, meaning).toBe(hex.split(' ').length);
  }
});

test('address fields are found where they stand', () => {
  expect(decode('e8 01 02 03 04')).toMatchObject({ branchField: 1, branchBytes: 4 });
  expect(decode('e9 01 02 03 04')).toMatchObject({ branchField: 1, branchBytes: 4 });
  expect(decode('0f 84 01 02 03 04')).toMatchObject({ branchField: 2, branchBytes: 4 });
  expect(decode('74 05')).toMatchObject({ branchField: 1, branchBytes: 1 });
  expect(decode('48 8d 3d 01 02 03 04')).toMatchObject({ ripField: 3, isLea: true, branchField: -1 });
  expect(decode('80 3d 01 02 03 04 00')).toMatchObject({ ripField: 2, length: 7, isLea: false });
  expect(decode('c7 05 01 02 03 04 05 06 07 08')).toMatchObject({
    ripField: 2,
    immediateField: 6,
    length: 10,
  });
  expect(decode('ff 24 c5 00 10 40 00')).toMatchObject({ absoluteField: 3, ripField: -1 });
  expect(decode('bf 00 10 40 00')).toMatchObject({ immediateField: 1 });
});

test('any bytes decode to an instruction of 1 to 16 bytes whose fields lie inside', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (code) => {
      const found = newInstruction();
      decodeInstruction(code, 0, found);
      expect(found.length).toBeGreaterThanOrEqual(1);
      expect(found.length).toBeLessThanOrEqual(24);
      for (const field of [found.ripField, found.absoluteField, found.immediateField])
        if (field >= 0 && found.length > 1) expect(field + 4).toBeLessThanOrEqual(found.length);
      if (found.branchField >= 0) expect(found.branchField + found.branchBytes).toBe(found.length);
    }),
    { numRuns: 3000 },
  );
});
