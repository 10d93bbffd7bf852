/** The address fields of A64 instructions (Arm ARM, "A64 instruction set encoding"): where they are and what they say. */

/** A field of `bits` bits from `low` on counts units of 4 bytes from the instruction on. */
export interface BranchForm {
  readonly low: number;
  readonly bits: number;
}

const CALL: BranchForm = { low: 0, bits: 26 };
const CONDITIONAL: BranchForm = { low: 5, bits: 19 };
const TEST: BranchForm = { low: 5, bits: 14 };

/** How the instruction tells a distance in words: branches and literal loads; undefined for others. */
export function branchForm(word: number): BranchForm | undefined {
  if ((word & 0x7c000000) === 0x14000000) return CALL;
  if ((word & 0xff000010) >>> 0 === 0x54000000) return CONDITIONAL;
  if ((word & 0x7e000000) === 0x34000000) return CONDITIONAL;
  if ((word & 0x7e000000) === 0x36000000) return TEST;
  if ((word & 0x3b000000) === 0x18000000) return CONDITIONAL;
  return undefined;
}

export function isCall(form: BranchForm): boolean {
  return form === CALL;
}

/** The distance in bytes. */
export function branchDistance(word: number, { low, bits }: BranchForm): number {
  const above = 32 - low - bits;
  return ((word << above) >> (above + low)) * 4;
}

/** The instruction with another distance; undefined when that does not fit. */
export function withBranchDistance(
  word: number,
  { low, bits }: BranchForm,
  distance: number,
): number | undefined {
  const units = distance / 4;
  const limit = 2 ** (bits - 1);
  if (!Number.isInteger(units) || units < -limit || units >= limit) return undefined;
  const mask = (2 ** bits - 1) << low;
  return (word & ~mask) | ((units << low) & mask);
}

/** ADR counts bytes, ADRP pages. */
export function isAdr(word: number): boolean {
  return (word & 0x9f000000) >>> 0 === 0x10000000;
}

export function isAdrp(word: number): boolean {
  return (word & 0x9f000000) >>> 0 === 0x90000000;
}

export function adrUnits(word: number): number {
  return (((word << 8) >> 13) << 2) | ((word >>> 29) & 3);
}

export function withAdrUnits(word: number, units: number): number | undefined {
  if (!(units >= -(2 ** 20) && units < 2 ** 20)) return undefined;
  return (word & 0x9f00001f) | ((units & 3) << 29) | (((units >> 2) & 0x7ffff) << 5);
}

export const PAGE_BYTES = 4096;

export function pageOf(address: number): number {
  return address - (((address % PAGE_BYTES) + PAGE_BYTES) % PAGE_BYTES);
}

/** By how many bits an instruction that adds a 12-bit offset to a register shifts it; -1 for others. */
export function offsetScale(word: number): number {
  if ((word & 0x7fc00000) === 0x11000000) return 0;
  if ((word & 0x3b000000) !== 0x39000000) return -1;
  const size = word >>> 30;
  // Vector registers of 16 bytes.
  return (word & 0x04800000) === 0x04800000 && size === 0 ? 4 : size;
}

export function offsetBase(word: number): number {
  return (word >>> 5) & 31;
}

export function offsetUnits(word: number): number {
  return (word >>> 10) & 0xfff;
}

export function withOffsetUnits(word: number, units: number): number {
  return (word & ~(0xfff << 10)) | (units << 10);
}

/**
 * The register that an instruction most likely writes, or -1: stores and branches write none. Good enough to know when
 * a register no longer holds what it held; pairs and their like are taken to write their first register.
 */
export function writtenRegister(word: number): number {
  if (branchForm(word) !== undefined && (word & 0x3b000000) !== 0x18000000) return -1;
  const isMemory = (word & 0x0a000000) === 0x08000000;
  const isPair = (word & 0x3a000000) === 0x28000000;
  if (isPair) return (word & 0x00400000) === 0 ? -1 : word & 31;
  if (isMemory && (word & 0x00c00000) === 0) return -1;
  return word & 31;
}
