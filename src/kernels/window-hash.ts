/**
 * The hash of the windows that matching indexes: polynomial, rolling, mixed before use. Which windows are indexed, and
 * into which bucket, follows from the mixed hash alone, so that the same are chosen in the old bytes and in the new.
 */

/** Length of the windows that are indexed; shorter matches are found only as extensions of longer ones. */
export const WINDOW_BYTES = 12;
/** The most buckets; fuller ones cost time, not matches. */
const MAX_BUCKET_BITS = 20;

const HASH_MULTIPLIER = 0x2c1b3c6d;
const MIX_MULTIPLIER = 0x297a2d39;
/** HASH_MULTIPLIER to the power of WINDOW_BYTES, to take the oldest byte out of a rolling hash. */
const HASH_LEAVING = power(HASH_MULTIPLIER, WINDOW_BYTES);

/** How many windows of `oldBytes` bytes are expected, with an eighth more than the hash should choose. */
export function expectedWindows(oldBytes: number, sampleBits: number): number {
  return Math.ceil((oldBytes * 1.125) / 2 ** sampleBits) + 64;
}

/** The number of buckets for so many windows, as a power of two. */
export function bucketBitsFor(windows: number): number {
  return Math.min(MAX_BUCKET_BITS, Math.max(8, 32 - Math.clz32(windows)));
}

/** The hash of the window at `at`; of fewer bytes where `bytes` ends before. */
export function firstHash(bytes: Uint8Array, at: number): number {
  let hash = 0;
  const end = Math.min(bytes.length, at + WINDOW_BYTES);
  for (let i = at; i < end; i++) hash = (Math.imul(hash, HASH_MULTIPLIER) + bytes[i]! + 1) | 0;
  return hash;
}

/** The hash of the next window. Each byte counts as its value + 1, so that runs of zeros are told apart by length. */
export function rollHash(hash: number, leaving: number, entering: number): number {
  return (Math.imul(hash, HASH_MULTIPLIER) + entering + 1 - Math.imul(leaving + 1, HASH_LEAVING)) | 0;
}

/** What sampling looks at the low bits of, and buckets at the high ones. */
export function mixHash(hash: number): number {
  let value = hash ^ (hash >>> 15);
  value = Math.imul(value, MIX_MULTIPLIER);
  return value ^ (value >>> 13);
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}
