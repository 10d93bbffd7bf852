/**
 * The numbers that the mixing coder computes with, in its plain form and in its kernel alike: integers only, so that
 * every machine gives the same bits (docs/coder.md, "Numbers").
 */

/** round(4096 / (1 + e^-x)) for x from −8 to 8 in steps of a half. */
const SQUASH_POINTS = [
  1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
  3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
] as const;

/** By d + 2048: the probability, of 4096, that d stands for; d is a logarithm of odds in steps of 1/256. */
export const SQUASH = makeSquash();
/** By probability, of 4096: the least d that stands for it or more. */
export const STRETCH = makeStretch();
/** By how often a counter learned, up to 7: the share, of 2^15, of the error by which it moves. */
export const RATES = ratesOf(1.5, 2.5, 3.5, 5, 7, 9, 12, 16);

/** One part of each of these. */
export function ratesOf(...parts: readonly number[]): Int16Array {
  return Int16Array.from(parts, (part) => Math.floor(2 ** 15 / part));
}

function makeSquash(): Int16Array {
  const squash = new Int16Array(4096);
  for (let at = 0; at < 4096; at++) {
    const d = Math.max(at, 1);
    const weight = d & 127;
    const [below, above] = [SQUASH_POINTS[d >> 7]!, SQUASH_POINTS[(d >> 7) + 1]!];
    squash[at] = (below * (128 - weight) + above * weight + 64) >> 7;
  }
  return squash;
}

function makeStretch(): Int16Array {
  const stretch = new Int16Array(4096).fill(2047);
  let next = 0;
  for (let d = -2047; d <= 2047; d++) {
    for (const end = SQUASH[d + 2048]!; next <= end; next++) stretch[next] = d;
  }
  return stretch;
}

/** Mixes two numbers of 32 bits into one. */
export function mixHash(a: number, b: number): number {
  const mixed = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
