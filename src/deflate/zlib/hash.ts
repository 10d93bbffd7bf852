/** The hashes of zlib's relatives. */

/** zlib's rolling hash of 3 bytes: memLevel 8, and GNU gzip. */
function rolling15(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 10) ^ (buffer[at + 1]! << 5) ^ buffer[at + 2]!) & 0x7fff;
}

/** The same at memLevel 9. */
function rolling16(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 12) ^ (buffer[at + 1]! << 6) ^ buffer[at + 2]!) & 0xffff;
}

/** 15 bits of 4 bytes by multiplication: Chromium's fork of zlib, which Node bundles. */
function multiplied(buffer: Uint8Array, at: number): number {
  const value = buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
  return ((Math.imul(value, 66521) + 66521) >>> 16) & 0x7fff;
}

export type HashName = 'rolling15' | 'rolling16' | 'multiplied';

interface Hash {
  readonly bits: number;
  /** Bytes it reads. */
  readonly bytes: number;
  /** From bytes at a place to a table slot. */
  readonly of: (buffer: Uint8Array, at: number) => number;
}

export const HASHES: Readonly<Record<HashName, Hash>> = {
  rolling15: { bits: 15, bytes: 3, of: rolling15 },
  rolling16: { bits: 16, bytes: 3, of: rolling16 },
  multiplied: { bits: 15, bytes: 4, of: multiplied },
};
