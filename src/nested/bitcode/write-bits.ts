/** From plain bytes to bits, the way back of read-bits.ts. What no bits would have given is refused. */
import { corrupt } from '../../errors.ts';
import { bitOf, CHAR6, fromDifference, type Transport } from './transport.ts';

const FIRST_BYTES = 1 << 12;
/** Of an integer of 64 bits. */
const MAX_INTEGER_BYTES = 10;

/** Reads all of `plain`; what is made begins with `first`, whole words, and has at most `mostBytes`. */
export function writeBits(
  plain: Uint8Array,
  first: Uint8Array,
  mostBytes: number,
): Transport & { finish(): Uint8Array } {
  // Most come to no more than their plain form.
  let out = new Uint8Array(Math.min(mostBytes, Math.max(FIRST_BYTES, plain.length)));
  out.set(first);
  let position = 0;
  let bytes = first.length;
  /** Bits behind those bytes, fewer than 16; none where a word begins. */
  let pending = 0;
  let pendingBits = 0;
  /** Where the lengths of open blocks stand. */
  const lengths: number[] = [];

  const reserve = (count: number) => {
    if (bytes + count > mostBytes) throw corrupt(`a bitstream comes to more than ${mostBytes} bytes`);
    if (bytes + count <= out.length) return;
    const larger = new Uint8Array(Math.min(mostBytes, Math.max(2 * out.length, bytes + count)));
    larger.set(out.subarray(0, bytes));
    out = larger;
  };
  const put = (value: number, width: number): void => {
    if (width > 16) {
      put(value % 0x10000, 16);
      put(Math.floor(value / 0x10000), width - 16);
      return;
    }
    pending |= value << pendingBits;
    pendingBits += width;
    if (pendingBits < 16) return;
    if (bytes + 2 > out.length || bytes + 2 > mostBytes) reserve(2);
    out[bytes] = pending;
    out[bytes + 1] = pending >>> 8;
    bytes += 2;
    pending >>>= 16;
    pendingBits -= 16;
  };
  const align = () => {
    const rest = -(8 * (bytes & 3) + pendingBits) & 31;
    if (rest > 0) put(0, rest);
  };
  const byte = (): number => {
    const value = plain[position++];
    if (value === undefined) throw corrupt('the plain form of a bitstream is cut short');
    return value;
  };
  /** Exact up to 2^53 − 1; undefined, and nothing read, for more. */
  const readInteger = (): number | undefined => {
    const from = position;
    const first = plain[from];
    if (first !== undefined && first < 0x80) {
      position++;
      return first;
    }
    let value = 0;
    for (let scale = 1; position - from < MAX_INTEGER_BYTES; scale *= 0x80) {
      const group = byte();
      value += (group & 0x7f) * scale;
      if (group < 0x80) {
        if (group === 0 && scale > 1) throw corrupt('an integer of a bitstream is not in its shortest form');
        if (value <= Number.MAX_SAFE_INTEGER) return value;
        position = from;
        return undefined;
      }
    }
    throw corrupt('an integer of a bitstream has more than 64 bits');
  };
  const readLarge = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const group = byte();
      value |= BigInt(group & 0x7f) << shift;
      if (group < 0x80) break;
    }
    if (value >= 1n << 64n) throw corrupt('an integer of a bitstream has more than 64 bits');
    return value;
  };
  const readExpected = (expected: number): number => {
    const coded = readInteger();
    if (coded === undefined || coded >= 2 ** 32) throw corrupt('a difference of a bitstream is too large');
    return fromDifference(coded, expected);
  };
  const putLarge = (value: bigint, width: number) => {
    const more = 1n << BigInt(width - 1);
    let rest = value;
    for (; rest >= more; rest >>= BigInt(width - 1)) put(Number((rest & (more - 1n)) | more), width);
    put(Number(rest), width);
  };

  const carryVbr = (width: number, expected: number | undefined): number => {
    const value = expected === undefined ? readInteger() : readExpected(expected);
    if (value === undefined) {
      const large = readLarge();
      putLarge(large, width);
      return Number(large);
    }
    const more = bitOf(width - 1);
    let rest = value;
    for (; rest > 0x7fffffff && rest >= more; rest = Math.floor(rest / more))
      put((rest % more) + more, width);
    for (; rest >= more; rest >>>= width - 1) put((rest & (more - 1)) + more, width);
    put(rest, width);
    return value;
  };

  return {
    get isAtEnd() {
      return position === plain.length;
    },
    get words() {
      return (8 * bytes + pendingBits) >>> 5;
    },
    fixed(width, expected) {
      const value = expected === undefined ? readInteger() : readExpected(expected);
      if (value === undefined || value >= (width < 32 ? bitOf(width) : 2 ** 32))
        throw corrupt(`a field of ${width} bits of a bitstream can't be ${value}`);
      put(value, width);
      return value;
    },
    vbr: carryVbr,
    vbrs(count, width) {
      const most = Math.min(bitOf(width - 1), 0x80);
      for (let left = count; left > 0; left--) {
        const value = plain[position];
        if (value !== undefined && value < most) {
          position++;
          put(value, width);
        } else carryVbr(width, undefined);
      }
    },
    char6() {
      const code = CHAR6.indexOf(String.fromCharCode(byte()));
      if (code < 0) throw corrupt('a bitstream has a character that 6 bits have no place for');
      put(code, 6);
    },
    blob(count) {
      align();
      if (count > plain.length - position) throw corrupt('a blob of a bitstream is cut short');
      const padded = Math.ceil(count / 4) * 4;
      reserve(padded);
      out.set(plain.subarray(position, position + count), bytes);
      position += count;
      bytes += padded;
    },
    enterBlock() {
      align();
      lengths.push(bytes);
      put(0, 32);
    },
    leaveBlock() {
      align();
      const at = lengths.pop()!;
      new DataView(out.buffer).setUint32(at, (bytes - at - 4) / 4, true);
    },
    finish: () => out.subarray(0, bytes),
  };
}
