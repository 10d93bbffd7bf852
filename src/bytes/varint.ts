/** Unsigned LEB128 and zigzag integers up to 2^53 − 1, as docs/format.md, "Integers", defines them. */
import { corrupt } from '../errors.ts';

/** The most bytes an encoded integer takes: 53 bits in groups of 7. */
export const MAX_VARINT_BYTES = 8;

/** Appends `value` (a safe integer ≥ 0) to `out`. */
export function pushVarint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

export function encodeVarint(value: number): Uint8Array {
  const out: number[] = [];
  pushVarint(out, value);
  return Uint8Array.from(out);
}

/** Signed to unsigned: 0, −1, 1, −2, … become 0, 1, 2, 3, …; |value| < 2^52. */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** A place in a byte array, moving forward as it is read. */
export interface Cursor {
  readonly bytes: Uint8Array;
  position: number;
}

/** Reads one integer; `what` names it in errors. Throws CORRUPT_INPUT when it is cut short, too large or padded. */
export function readVarint(cursor: Cursor, what: string): number {
  let value = 0;
  let scale = 1;
  for (let count = 0; count < MAX_VARINT_BYTES; count++) {
    const byte = cursor.bytes[cursor.position];
    if (byte === undefined) throw corrupt(`${what} is cut short`);
    cursor.position++;
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (byte < 0x80) {
      if (byte === 0 && count > 0) throw corrupt(`${what} is not in its shortest form`);
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
  }
  throw corrupt(`${what} is larger than 2^53 − 1`);
}
