/** Little-endian numbers at any offset of a byte array that holds them whole. */

export function readUint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (readUint16(bytes, at) | (readUint16(bytes, at + 2) << 16)) >>> 0;
}

/** Writes `value` modulo 2^32. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  for (let index = 0; index < 4; index++) bytes[at + index] = Math.floor(value / 2 ** (8 * index)) & 0xff;
}
