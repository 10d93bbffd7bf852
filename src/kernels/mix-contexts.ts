/**
 * What the mixing coder knows before each byte: ten hashes of what went before, and a number that chooses weights
 * (docs/coder.md, "Contexts"). One file for both kinds of streams, plain bytes and integers.
 */
import { mixHash } from './mix-tables.ts';

/** What a stream is made of: bytes without any structure, or the integers of docs/format.md. */
export const MIX_BYTES = 0;
export const MIX_INTEGERS = 1;
export type MixKind = typeof MIX_BYTES | typeof MIX_INTEGERS;

/** Hashes per byte. */
export const CONTEXTS = 10;

/** Which of the last four bytes a hash is made of, the latest lowest; the sixth has two more. */
const MASKS = [
  0xff00, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffff, 0xffff00, 0xff00ff, 0xf8f8f8, 0xff000000,
];

export interface MixContexts {
  readonly hashes: Int32Array;
  /** 0..255. */
  readonly selector: number;
  /** The last four bytes, and the four before those. */
  readonly last: number;
  readonly before: number;
  /** Goes on by a byte. */
  push(byte: number): void;
}

export function mixContexts(kind: MixKind): MixContexts {
  const hashes = new Int32Array(CONTEXTS);
  const integers = integerContexts(hashes);
  let last = 0;
  let before = 0;
  const hashBytes = () => {
    for (let i = 0; i < CONTEXTS; i++) hashes[i] = mixHash(i + 1, last & MASKS[i]!);
    hashes[5] = mixHash(hashes[5]!, before & 0xffff);
  };
  if (kind === MIX_BYTES) hashBytes();
  else integers.hash();
  return {
    hashes,
    get selector() {
      return kind === MIX_BYTES ? last & 0xff : integers.selector;
    },
    get last() {
      return last;
    },
    get before() {
      return before;
    },
    push(byte) {
      before = (before << 8) | (last >>> 24);
      last = (last << 8) | byte;
      if (kind === MIX_BYTES) hashBytes();
      else {
        integers.push(byte);
        integers.hash();
      }
    },
  };
}

/** Follows the integers of a stream: how far into one it is, and the three before. */
function integerContexts(hashes: Int32Array) {
  let index = 0;
  let value = 0;
  const past = new Int32Array(3);
  let codes = 0;
  return {
    get selector() {
      return index * 8 + (codes & 7);
    },
    push(byte: number): void {
      if (index < 5) value |= (byte & 0x7f) << (7 * index);
      if (index < 7) index++;
      if (byte >= 0x80) return;
      past.copyWithin(1, 0);
      past[0] = value;
      codes = (codes << 3) | (value & 7);
      index = 0;
      value = 0;
    },
    hash(): void {
      const [p1, p2, p3] = past as unknown as [number, number, number];
      const here = mixHash(16 + index, value);
      const two = mixHash(p1, p2);
      const sizes = bits(p1) * 64 + bits(p2);
      const values = [
        0,
        p1,
        two,
        p2,
        sizes,
        mixHash(bits(p1), codes & 0x1ff),
        codes & 0x3ffff,
        bits(p1) * 8 + (p1 & 7),
        mixHash(two, p3),
        sizes * 64 + bits(p3),
      ];
      for (let i = 0; i < CONTEXTS; i++) hashes[i] = mixHash(mixHash(here, values[i]!), i + 1);
    },
  };
}

function bits(value: number): number {
  return 32 - Math.clz32(value);
}
