/** The hashes of zlib's relatives. */

/** From bytes at a place to a table slot. */
export type HashFunction = (buffer: Uint8Array, at: number) => number;

/** zlib's rolling hash of 3 bytes, for tables of 15 bits (memLevel 8, GNU gzip) or 16 (memLevel 9). */
export function rollingHash(bits: number): HashFunction {
  return bits === 15 ? rolling15 : rolling16;
}

function rolling15(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 10) ^ (buffer[at + 1]! << 5) ^ buffer[at + 2]!) & 0x7fff;
}

function rolling16(buffer: Uint8Array, at: number): number {
  return ((buffer[at]! << 12) ^ (buffer[at + 1]! << 6) ^ buffer[at + 2]!) & 0xffff;
}

/** 15 bits of 4 bytes by multiplication: Chromium's fork of zlib, which Node bundles. */
export function multipliedHash(buffer: Uint8Array, at: number): number {
  const value = buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
  return ((Math.imul(value, 66521) + 66521) >>> 16) & 0x7fff;
}
