/**
 * What a bitstream is made of, as it is carried from one form to the other. One walk (walk.ts) carries every field, from
 * bits to plain bytes or back, so that neither direction can know a rule that the other doesn't (docs/format.md,
 * "Bitcode").
 */

/** Carries one field after the other; each method gives the field's value, so that the walk knows what comes next. */
export interface Transport {
  /** Whether nothing is left, at the end of a block of the outermost level. */
  readonly isAtEnd: boolean;
  /** Whole words of 32 bits before the next bit. */
  readonly words: number;
  /** 1 to 32 bits. With `expected`, what is carried is by how much the field differs, modulo 2^32. */
  fixed(width: number, expected?: number): number;
  /** Groups of 2 to 32 bits, of the shortest form; inexact from 2^53 on. */
  vbr(width: number, expected?: number): number;
  /** A character of 6 bits. */
  char6(): void;
  /** So many numbers of groups of 2 to 32 bits, of which nothing is expected or wanted. */
  vbrs(count: number, width: number): void;
  /** A stretch of bytes, and zero bits up to a word's end on both sides of it. */
  blob(count: number): void;
  /** Zero bits up to a word's end, then the length of what follows. */
  enterBlock(): void;
  /** Zero bits up to a word's end, which is that of the block. */
  leaveBlock(): void;
}

/** 2 to the power of 0 to 31: many times faster than `**`. */
export function bitOf(exponent: number): number {
  return (1 << exponent) >>> 0;
}

export const CHAR6 = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._';

/** By how much a field differs from what was expected, small when it is near on either side. */
export function difference(value: number, expected: number): number {
  const signed = (value - expected) | 0;
  return signed < 0 ? -2 * signed - 1 : 2 * signed;
}

export function fromDifference(coded: number, expected: number): number {
  return (expected + (coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2)) >>> 0;
}
