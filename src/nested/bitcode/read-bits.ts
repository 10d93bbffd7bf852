/** From bits to plain bytes: each field becomes an integer of 7 bits a byte, a character or bytes as they are. */
import { corrupt } from '../../errors.ts';
import { bitOf, CHAR6, difference, type Transport } from './transport.ts';

/** Every plain byte but those of blobs takes a bit; more is never made of so many bytes. */
const PIECE_BYTES = 1 << 14;

/** Reads `bytes` from `start` on; `sink` gets pieces that are valid until it returns. `finish` hands out the last. */
export function readBits(
  bytes: Uint8Array,
  start: number,
  sink: (piece: Uint8Array) => void,
): Transport & { finish(): void } {
  const endBit = 8 * bytes.length;
  const piece = new Uint8Array(PIECE_BYTES);
  const ends: number[] = [];
  let filled = 0;
  let bit = 8 * start;

  const put = (byte: number) => {
    if (filled === PIECE_BYTES) flush();
    piece[filled++] = byte;
  };
  const flush = () => {
    if (filled > 0) sink(piece.subarray(0, filled));
    filled = 0;
  };
  const putInteger = (value: number) => {
    let rest = value;
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 0x80)) put((rest % 0x80) | 0x80);
    for (; rest >= 0x80; rest >>>= 7) put((rest & 0x7f) | 0x80);
    put(rest);
  };
  const putLarge = (value: bigint) => {
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) put(Number(rest & 0x7fn) | 0x80);
    put(Number(rest));
  };
  /** Up to 32 bits. */
  const take = (width: number): number => {
    if (bit + width > endBit) throw corrupt('a bitstream is cut short');
    const at = bit >>> 3;
    const shift = bit & 7;
    bit += width;
    // What is read past the end is undefined, which is no bits.
    const four = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    if (width <= 24) return (four >>> shift) & ((1 << width) - 1);
    const low = (four >>> shift) & 0xffff;
    const rest = (at + 2) | 0;
    const high = bytes[rest]! | (bytes[rest + 1]! << 8) | (bytes[rest + 2]! << 16);
    return low + ((high >>> shift) & ((1 << (width - 16)) - 1)) * 0x10000;
  };
  const align = () => {
    const rest = -bit & 31;
    if (rest > 0 && take(rest) !== 0) throw corrupt('a bitstream is padded with something');
  };
  const putValue = (value: number, expected: number | undefined) => {
    if (expected === undefined) {
      if (value < 0x80) put(value);
      else putInteger(value);
    } else if (value >= 2 ** 32) throw corrupt(`the operand ${value} is more than was expected of it`);
    else putInteger(difference(value, expected));
  };
  const takeLarge = (width: number): bigint => {
    const more = 1n << BigInt(width - 1);
    let value = 0n;
    for (let shift = 0n; ; shift += BigInt(width - 1)) {
      const group = BigInt(take(width));
      value |= (group & (more - 1n)) << shift;
      if (value >= 1n << 64n) throw corrupt('an operand has more than 64 bits');
      if (group < more) return value;
    }
  };

  const carryVbr = (width: number, expected: number | undefined): number => {
    const from = bit;
    const more = bitOf(width - 1);
    const first = take(width);
    if (first < more) {
      putValue(first, expected);
      return first;
    }
    let value = first - more;
    for (let scale = more; ; scale *= more) {
      const group = take(width);
      if (group < more) {
        if (group === 0) throw corrupt('an operand is not in its shortest form');
        value += group * scale;
        break;
      }
      value += (group - more) * scale;
      if (scale > 2 ** 64) throw corrupt('an operand has more than 64 bits');
    }
    if (value <= Number.MAX_SAFE_INTEGER) putValue(value, expected);
    else if (expected !== undefined) throw corrupt('an operand is more than was expected of it');
    else {
      bit = from;
      putLarge(takeLarge(width));
    }
    return value;
  };

  return {
    get isAtEnd() {
      return bit === endBit;
    },
    get words() {
      return bit >>> 5;
    },
    fixed(width, expected) {
      const value = take(width);
      putValue(value, expected);
      return value;
    },
    vbr: carryVbr,
    vbrs(count, width) {
      const more = bitOf(width - 1);
      const most = Math.min(more, 0x80);
      for (let left = count; left > 0; left--) {
        const from = bit;
        const group = take(width);
        if (group < most) put(group);
        else {
          bit = from;
          carryVbr(width, undefined);
        }
      }
    },
    char6: () => put(CHAR6.charCodeAt(take(6))),
    blob(count) {
      align();
      if (8 * count > endBit - bit) throw corrupt('a blob of a bitstream is cut short');
      flush();
      const at = bit / 8;
      if (count > 0) sink(bytes.subarray(at, at + count));
      bit += 8 * count;
      align();
    },
    enterBlock() {
      align();
      const end = take(32) * 32 + bit;
      if (end > (ends.at(-1) ?? endBit)) throw corrupt('a block reaches past the one around it');
      ends.push(end);
    },
    leaveBlock() {
      align();
      if (ends.pop() !== bit) throw corrupt('a block is not of the length that it says');
    },
    finish: flush,
  };
}
