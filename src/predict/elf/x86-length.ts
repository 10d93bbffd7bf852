/**
 * Finds where an x86-64 instruction ends and where its address fields stand (Intel SDM volume 2, chapter 2 and the
 * opcode maps of appendix A). It knows lengths, not meanings; bytes that are no instruction count as one byte.
 */

/** What was found at the last `decode`. */
export interface Instruction {
  length: number;
  /** Offset of a 4-byte RIP-relative displacement inside of the instruction, or -1. */
  ripField: number;
  /** Offset of a relative branch target, or -1, and its size: 1 or 4 bytes. */
  branchField: number;
  branchBytes: number;
  /** Offset of a 4-byte absolute displacement, or -1. */
  absoluteField: number;
  /** Offset of a 4-byte immediate, or -1. */
  immediateField: number;
  /** `lea`, the usual way to take an address. */
  isLea: boolean;
}

export function newInstruction(): Instruction {
  return {
    length: 1,
    ripField: -1,
    branchField: -1,
    branchBytes: 0,
    absoluteField: -1,
    immediateField: -1,
    isLea: false,
  };
}

/** No instruction is longer; `decode` looks at no more bytes. */
export const MAX_INSTRUCTION_BYTES = 16;

const MODRM = 1;
const IMM8 = 2;
/** 4 bytes, or 2 with an operand-size prefix. */
const IMM = 4;
const IMM16 = 8;
const REL8 = 16;
const REL = 32;
const BAD = 64;
const SPECIAL = 128;

const ONE_BYTE = table([
  [0x00, 0x3f, BAD],
  ...[0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38].flatMap((row): Row[] => [
    [row, row + 3, MODRM],
    [row + 4, row + 4, IMM8],
    [row + 5, row + 5, IMM],
  ]),
  [0x40, 0x62, BAD],
  [0x50, 0x5f, 0],
  [0x63, 0x63, MODRM],
  [0x68, 0x68, IMM],
  [0x69, 0x69, MODRM | IMM],
  [0x6a, 0x6a, IMM8],
  [0x6b, 0x6b, MODRM | IMM8],
  [0x70, 0x7f, REL8],
  [0x80, 0x80, MODRM | IMM8],
  [0x81, 0x81, MODRM | IMM],
  [0x82, 0x82, BAD],
  [0x83, 0x83, MODRM | IMM8],
  [0x84, 0x8f, MODRM],
  [0x9a, 0x9a, BAD],
  [0xa0, 0xa3, SPECIAL],
  [0xa8, 0xa8, IMM8],
  [0xa9, 0xa9, IMM],
  [0xb0, 0xb7, IMM8],
  [0xb8, 0xbf, IMM | SPECIAL],
  [0xc0, 0xc1, MODRM | IMM8],
  [0xc2, 0xc2, IMM16],
  [0xc6, 0xc6, MODRM | IMM8],
  [0xc7, 0xc7, MODRM | IMM],
  [0xc8, 0xc8, IMM16 | IMM8],
  [0xca, 0xca, IMM16],
  [0xcd, 0xcd, IMM8],
  [0xce, 0xce, BAD],
  [0xd0, 0xd3, MODRM],
  [0xd4, 0xd6, BAD],
  [0xd8, 0xdf, MODRM],
  [0xe0, 0xe3, REL8],
  [0xe4, 0xe7, IMM8],
  [0xe8, 0xe9, REL],
  [0xea, 0xea, BAD],
  [0xeb, 0xeb, REL8],
  [0xf6, 0xf7, MODRM | SPECIAL],
  [0xfe, 0xff, MODRM],
]);

const TWO_BYTE = table([
  [0x00, 0xff, MODRM],
  [0x04, 0x0c, 0],
  [0x04, 0x04, BAD],
  [0x0a, 0x0a, BAD],
  [0x0c, 0x0c, BAD],
  [0x0e, 0x0e, 0],
  [0x0f, 0x0f, MODRM | IMM8],
  [0x24, 0x27, BAD],
  [0x30, 0x37, 0],
  [0x38, 0x3f, BAD],
  [0x70, 0x73, MODRM | IMM8],
  [0x77, 0x77, 0],
  [0x80, 0x8f, REL],
  [0xa0, 0xa2, 0],
  [0xa4, 0xa4, MODRM | IMM8],
  [0xa6, 0xa7, BAD],
  [0xa8, 0xaa, 0],
  [0xac, 0xac, MODRM | IMM8],
  [0xba, 0xba, MODRM | IMM8],
  [0xc2, 0xc2, MODRM | IMM8],
  [0xc4, 0xc6, MODRM | IMM8],
  [0xc8, 0xcf, 0],
]);

type Row = readonly [first: number, last: number, form: number];

function table(rows: readonly Row[]): Uint8Array {
  const forms = new Uint8Array(256);
  for (const [first, last, form] of rows) forms.fill(form, first, last + 1);
  return forms;
}

/** Decodes the instruction at `code[start]`; the caller provides MAX_INSTRUCTION_BYTES from there on. */
export function decodeInstruction(code: Uint8Array, start: number, into: Instruction): void {
  let at = start;
  let narrow = false;
  let shortAddress = false;
  let wide = false;
  into.ripField = -1;
  into.branchField = -1;
  into.absoluteField = -1;
  into.immediateField = -1;
  into.isLea = false;
  let byte = code[at]!;
  for (let prefixes = 0; prefixes < 6; prefixes++) {
    if (byte === 0x66) narrow = true;
    else if (byte === 0x67) shortAddress = true;
    else if (
      byte !== 0xf0 &&
      byte !== 0xf2 &&
      byte !== 0xf3 &&
      (byte & 0xe7) !== 0x26 &&
      byte !== 0x64 &&
      byte !== 0x65
    )
      break;
    byte = code[++at]!;
  }
  if ((byte & 0xf0) === 0x40) {
    wide = (byte & 8) !== 0;
    byte = code[++at]!;
  }
  let form: number;
  if (byte === 0x0f) {
    byte = code[++at]!;
    if (byte === 0x38) {
      at++;
      form = MODRM;
    } else if (byte === 0x3a) {
      at++;
      form = MODRM | IMM8;
    } else form = TWO_BYTE[byte]!;
  } else if (byte === 0xc4 || byte === 0xc5 || byte === 0x62) {
    const map = byte === 0xc5 ? 1 : code[at + 1]! & (byte === 0x62 ? 7 : 31);
    at += byte === 0xc5 ? 2 : byte === 0xc4 ? 3 : 4;
    form = map === 1 ? TWO_BYTE[code[at]!]! & ~REL : map === 3 ? MODRM | IMM8 : map === 0 ? BAD : MODRM;
  } else {
    form = ONE_BYTE[byte]!;
    if ((form & SPECIAL) !== 0) {
      if (byte >= 0xf6) form = MODRM | ((code[at + 1]! & 0x38) > 8 ? 0 : byte === 0xf6 ? IMM8 : IMM);
      else if (byte >= 0xb8) {
        if (wide) {
          into.length = at + 9 - start;
          return;
        }
        form = IMM;
      } else {
        into.length = at + (shortAddress ? 5 : 9) - start;
        return;
      }
    }
    into.isLea = byte === 0x8d;
  }
  if ((form & BAD) !== 0) {
    into.length = 1;
    return;
  }
  at++;
  if ((form & MODRM) !== 0) {
    const modrm = code[at++]!;
    const mode = modrm >> 6;
    const base = modrm & 7;
    if (mode !== 3) {
      if (base === 4) {
        const sib = code[at++]!;
        if (mode === 0 && (sib & 7) === 5) {
          into.absoluteField = at - start;
          at += 4;
        }
      } else if (mode === 0 && base === 5) {
        into.ripField = at - start;
        at += 4;
      }
      if (mode === 1) at++;
      else if (mode === 2) {
        into.absoluteField = at - start;
        at += 4;
      }
    }
  }
  if ((form & REL8) !== 0) {
    into.branchField = at - start;
    into.branchBytes = 1;
    at++;
  } else if ((form & REL) !== 0) {
    into.branchField = at - start;
    into.branchBytes = 4;
    at += 4;
  } else {
    if ((form & IMM16) !== 0) at += 2;
    if ((form & IMM8) !== 0) at++;
    if ((form & IMM) !== 0) {
      if (narrow) at += 2;
      else {
        into.immediateField = at - start;
        at += 4;
      }
    }
  }
  into.length = at - start;
}
