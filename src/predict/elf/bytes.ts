/** Little-endian numbers in buffers. */

export function getI32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

export function setI32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
}

/** Writes a number of up to 53 bits, negative ones in two's complement, as 8 bytes. */
export function setU64(bytes: Uint8Array, at: number, value: number): void {
  setI32(bytes, at, value | 0);
  setI32(bytes, at + 4, Math.floor(value / 2 ** 32) | 0);
}

export function getU64(bytes: Uint8Array, at: number): number {
  return (getI32(bytes, at) >>> 0) + (getI32(bytes, at + 4) >>> 0) * 2 ** 32;
}
