/**
 * The fixed tables of DEFLATE (RFC 1951, section 3.2.5 and 3.2.6) and how tokens are held in memory: a literal is
 * its byte value, a match is `length << 16 | distance` with 3 ≤ length ≤ 258 and 1 ≤ distance ≤ 32768, so every
 * number of 3 << 16 and more is a match.
 */

/** The smallest number that stands for a match. */
export const FIRST_MATCH = 3 << 16;
export const END_OF_BLOCK = 256;
export const MAX_MATCH = 258;
export const WINDOW_BYTES = 32768;
/** Literal/length symbols an encoder may use; 286 and 287 exist only in the fixed code. */
export const LITERAL_SYMBOLS = 286;
export const DISTANCE_SYMBOLS = 30;
/** The order in which the lengths of the code length code are sent. */
export const CODE_LENGTH_ORDER: readonly number[] = [
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/** By length symbol − 257: the shortest length it stands for, and how many bits follow it. */
export const LENGTH_BASE = new Uint16Array(29);
export const LENGTH_EXTRA = new Uint8Array(29);
/** By distance symbol: the nearest distance it stands for, and how many bits follow it. */
export const DISTANCE_BASE = new Uint16Array(30);
export const DISTANCE_EXTRA = new Uint8Array(30);
/** By match length: length symbol − 257. Entries below 3 are unused. */
export const LENGTH_SYMBOL = new Uint8Array(259);
/** By distance − 1 when that is below 256, else by 256 + ((distance − 1) >> 7). */
export const DISTANCE_SYMBOL = new Uint8Array(512);

fillLengths();
fillDistances();

/** The symbol of a distance from 1 to 32768. */
export function distanceSymbol(distance: number): number {
  return DISTANCE_SYMBOL[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)]!;
}

/** A prefix code ready for writing: by symbol, the code with its first bit lowest, and its length (0: no code). */
export interface PrefixCode {
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
}

/** The fixed literal/length code, all 288 symbols. */
export const FIXED_LITERALS: PrefixCode = fixedLiterals();
/** The fixed distance code. */
export const FIXED_DISTANCES: PrefixCode = codeFromLengths(new Uint8Array(30).fill(5));

/** The canonical code of the given lengths (RFC 1951, 3.2.2). The lengths must not over-subscribe it. */
export function codeFromLengths(lengths: Uint8Array): PrefixCode {
  const codes = new Uint16Array(lengths.length);
  assignCodes(lengths, lengths.length, codes);
  return { codes, lengths };
}

/** Fills `codes` with the canonical code of the first `count` lengths. */
export function assignCodes(lengths: Uint8Array, count: number, codes: Uint16Array): void {
  const next = new Uint16Array(17);
  for (let symbol = 0; symbol < count; symbol++) {
    const length = lengths[symbol]!;
    if (length > 0) next[length + 1] = next[length + 1]! + 1;
  }
  for (let bits = 2; bits < 16; bits++) next[bits] = (next[bits]! + next[bits - 1]!) << 1;
  for (let symbol = 0; symbol < count; symbol++) {
    const length = lengths[symbol]!;
    if (length === 0) continue;
    codes[symbol] = reverseBits(next[length]!, length);
    next[length] = next[length]! + 1;
  }
}

/** The lowest `count` bits of `value` in the opposite order. */
export function reverseBits(value: number, count: number): number {
  let reversed = 0;
  let rest = value;
  for (let bit = 0; bit < count; bit++) {
    reversed = (reversed << 1) | (rest & 1);
    rest >>= 1;
  }
  return reversed;
}

function fixedLiterals(): PrefixCode {
  const lengths = new Uint8Array(288);
  lengths.fill(8, 0, 144);
  lengths.fill(9, 144, 256);
  lengths.fill(7, 256, 280);
  lengths.fill(8, 280, 288);
  return codeFromLengths(lengths);
}

function fillLengths(): void {
  let length = 3;
  for (let symbol = 0; symbol < 28; symbol++) {
    LENGTH_BASE[symbol] = length;
    LENGTH_EXTRA[symbol] = symbol < 8 ? 0 : (symbol - 4) >> 2;
    for (let count = 1 << LENGTH_EXTRA[symbol]!; count > 0; count--) LENGTH_SYMBOL[length++] = symbol;
  }
  // 258 has a symbol of its own, though the last range would reach it.
  LENGTH_BASE[28] = 258;
  LENGTH_SYMBOL[258] = 28;
}

function fillDistances(): void {
  let distance = 1;
  for (let symbol = 0; symbol < 30; symbol++) {
    const extra = symbol < 2 ? 0 : (symbol - 2) >> 1;
    DISTANCE_BASE[symbol] = distance;
    DISTANCE_EXTRA[symbol] = extra;
    const first = distance - 1;
    const end = first + (1 << extra);
    if (first < 256) DISTANCE_SYMBOL.fill(symbol, first, end);
    else DISTANCE_SYMBOL.fill(symbol, 256 + (first >> 7), 256 + (end >> 7));
    distance += 1 << extra;
  }
}
