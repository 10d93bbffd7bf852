// Tokens to bits: the hot loop of src/deflate/bits.ts, which is its plain reference. Codes come as words of
// `code | length << 16`, and the tables of lengths and distances as in src/deflate/codes.ts.

const LITERALS: usize = 1024;
const DISTANCES: usize = LITERALS + 4 * 288;
// By length: code and extra bits together, `bits | count << 24`; filled by `start`.
const LENGTHS: usize = DISTANCES + 4 * 32;
const LENGTH_SYMBOLS: usize = LENGTHS + 4 * 260;
const LENGTH_BASES: usize = LENGTH_SYMBOLS + 260;
const LENGTH_EXTRAS: usize = LENGTH_BASES + 2 * 30;
const DISTANCE_SYMBOLS: usize = LENGTH_EXTRAS + 32;
const DISTANCE_BASES: usize = DISTANCE_SYMBOLS + 512;
const DISTANCE_EXTRAS: usize = DISTANCE_BASES + 2 * 32;
const TOKENS: usize = 8192;
const OUT: usize = TOKENS + 4 * 16384;

let held: u64 = 0;
let heldCount: u64 = 0;

export function literalsAt(): usize {
  return LITERALS;
}

export function distancesAt(): usize {
  return DISTANCES;
}

export function lengthSymbolsAt(): usize {
  return LENGTH_SYMBOLS;
}

export function lengthBasesAt(): usize {
  return LENGTH_BASES;
}

export function lengthExtrasAt(): usize {
  return LENGTH_EXTRAS;
}

export function distanceSymbolsAt(): usize {
  return DISTANCE_SYMBOLS;
}

export function distanceBasesAt(): usize {
  return DISTANCE_BASES;
}

export function distanceExtrasAt(): usize {
  return DISTANCE_EXTRAS;
}

export function tokensAt(): usize {
  return TOKENS;
}

export function outAt(): usize {
  return OUT;
}

// Takes the codes that were put in place, and the bits left over from before.
export function start(bits: u32, bitCount: u32): void {
  held = bits;
  heldCount = bitCount;
  for (let length: usize = 3; length <= 258; length++) {
    const symbol = <usize>load<u8>(LENGTH_SYMBOLS + length);
    const word = load<u32>(LITERALS + ((257 + symbol) << 2));
    const extra = <u32>length - load<u16>(LENGTH_BASES + (symbol << 1));
    const codeBits = word >> 16;
    const total = codeBits + load<u8>(LENGTH_EXTRAS + symbol);
    store<u32>(LENGTHS + (length << 2), (word & 0xffff) | (extra << codeBits) | (total << 24));
  }
}

export function heldBits(): u32 {
  return <u32>held;
}

export function heldBitCount(): u32 {
  return <u32>heldCount;
}

// Packs the tokens that were put in place; returns how many whole pairs of bytes came out, in bytes.
export function pack(count: u32): u32 {
  let bits = held;
  let bitCount = heldCount;
  let out = OUT;
  const end = TOKENS + ((<usize>count) << 2);
  for (let at = TOKENS; at < end; at += 4) {
    const token = load<u32>(at);
    if (token < 0x30000) {
      const word = load<u32>(LITERALS + ((<usize>token) << 2));
      bits |= (<u64>(word & 0xffff)) << bitCount;
      bitCount += <u64>(word >> 16);
    } else {
      const length = load<u32>(LENGTHS + ((<usize>(token >> 16)) << 2));
      bits |= (<u64>(length & 0xffffff)) << bitCount;
      bitCount += <u64>(length >> 24);
      const distance = token & 0xffff;
      const slot = distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7);
      const symbol = <usize>load<u8>(DISTANCE_SYMBOLS + <usize>slot);
      const word = load<u32>(DISTANCES + (symbol << 2));
      const codeBits = word >> 16;
      const extra = distance - load<u16>(DISTANCE_BASES + (symbol << 1));
      bits |= (<u64>((word & 0xffff) | (extra << codeBits))) << bitCount;
      bitCount += <u64>(codeBits + load<u8>(DISTANCE_EXTRAS + symbol));
    }
    // Fewer than 16 bits stay, and a token has at most 48, so that nothing falls off.
    store<u64>(out, bits);
    const whole = bitCount >> 4;
    out += <usize>(whole << 1);
    bits >>= whole << 4;
    bitCount &= 15;
  }
  held = bits;
  heldCount = bitCount;
  return <u32>(out - OUT);
}
