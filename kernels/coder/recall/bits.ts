// The arithmetic coder of docs/coder.md, "Bits": one that writes, or one that reads.
import { CODED } from './layout';

// Coded bytes that one step takes at most: four for each of eleven bits, where the range is smallest, and some more.
export const MOST_CODED: usize = 48;

let isDecoder: bool = false;
let low: u32 = 0;
let high: u32 = 0;
let code: u32 = 0;
let input: usize = 0;
let inputEnd: usize = 0;
let output: usize = 0;
let pastEnd: i32 = 0;

export function startBits(decodes: bool): void {
  isDecoder = decodes;
  low = 0;
  high = 0xffffffff;
  code = 0;
  pastEnd = 0;
}

// Has what is coded next written from the beginning of its place on.
export function openOutput(): void {
  output = CODED;
}

export function writtenBytes(): i32 {
  return <i32>(output - CODED);
}

// Writes what is left: followed by zeros, a number between the two.
export function endOutput(): void {
  store<u8>(output, <u8>((<u64>low + 0xffffff) >> 24));
  output++;
}

// Has the next `size` coded bytes read.
export function openInput(size: i32): void {
  input = CODED;
  inputEnd = CODED + <usize>size;
}

// Takes the first four coded bytes, or as many as there are.
export function beginInput(): void {
  for (let i = 0; i < 4; i++) takeByte();
}

// Whether there are enough coded bytes for a step.
@inline
export function isEnough(isLast: bool): bool {
  return isLast || input + MOST_CODED <= inputEnd;
}

// How many of the coded bytes were taken since `openInput`.
export function takenBytes(): i32 {
  return <i32>(input - CODED);
}

// How many bytes past the end of the coded ones were taken, as zeros.
export function bytesPastEnd(): i32 {
  return pastEnd;
}

@inline
function takeByte(): void {
  if (input < inputEnd) {
    code = (code << 8) | <u32>load<u8>(input);
    input++;
  } else {
    code <<= 8;
    pastEnd++;
  }
}

// Codes a bit by the chance of 65536 that it is a one; a decoder finds out which it is.
@inline
export function codeBit(chance: u32, bit: i32): i32 {
  const range = high - low;
  const middle = low + (range >> 16) * chance + (((range & 0xffff) * chance) >> 16);
  if (isDecoder) bit = code <= middle ? 1 : 0;
  if (bit !== 0) high = middle;
  else low = middle + 1;
  while (((low ^ high) & 0xff000000) === 0) {
    if (isDecoder) takeByte();
    else {
      store<u8>(output, low >> 24);
      output++;
    }
    low <<= 8;
    high = (high << 8) | 255;
  }
  return bit;
}
