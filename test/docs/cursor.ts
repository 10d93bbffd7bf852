/** Bytes read from front to back, with the integers of docs/format.md, section 2. Nothing here comes from src. */

export interface Reader {
  readonly left: number;
  integer(): number;
  signed(): number;
  byte(): number;
  take(count: number): Uint8Array;
}

export function read(bytes: Uint8Array): Reader {
  let at = 0;
  const byte = (): number => {
    if (at >= bytes.length) throw new Error('cut short');
    return bytes[at++]!;
  };
  const integer = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const next = byte();
      value |= BigInt(next & 0x7f) << shift;
      if (next >= 0x80) continue;
      if (next === 0 && shift > 0n) throw new Error('an integer is not in its shortest form');
      if (value > 2n ** 53n - 1n) throw new Error('an integer is too large');
      return Number(value);
    }
  };
  return {
    get left() {
      return bytes.length - at;
    },
    byte,
    integer,
    signed() {
      const value = integer();
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    },
    take(count) {
      if (count > bytes.length - at) throw new Error('cut short');
      at += count;
      return bytes.subarray(at - count, at);
    },
  };
}
