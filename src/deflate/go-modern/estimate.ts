/**
 * The estimate by which Go 1.27's encoder decides whether a new table pays: Shannon entropy in 32-bit floats with
 * an approximate logarithm. Every operation is rounded to 32 bits in the order given, as on x86-64 without fused
 * multiply-add; this is the one place of the engines that is not integers.
 */
import { DISTANCE_EXTRA, DISTANCE_SYMBOLS, LENGTH_EXTRA } from '../codes.ts';

const { fround } = Math;
const A = fround(-0.34484843);
const B = fround(2.02466578);
const C = fround(0.67487759);
const FOR_END_OF_BLOCK = 15;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Bits a block of `total` tokens with these frequencies would take with codes of its own, header not counted. */
export function estimateBits(literals: Int32Array, distances: Int32Array, total: number): number {
  let shannon = 0;
  let extra = 0;
  let matches = 0;
  if (total > 0) {
    const share = fround(1 / fround(total));
    for (let symbol = 0; symbol < 256; symbol++) shannon = addCost(shannon, literals[symbol]!, share);
    shannon = fround(shannon + FOR_END_OF_BLOCK);
    for (let symbol = 0; symbol < LENGTH_EXTRA.length; symbol++) {
      const count = literals[257 + symbol]!;
      shannon = addCost(shannon, count, share);
      extra += LENGTH_EXTRA[symbol]! * count;
      matches += count;
    }
  }
  if (matches > 0) {
    const share = fround(1 / fround(matches));
    for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
      const count = distances[symbol]!;
      shannon = addCost(shannon, count, share);
      extra += DISTANCE_EXTRA[symbol]! * count;
    }
  }
  return Math.trunc(shannon) + extra;
}

function addCost(shannon: number, count: number, share: number): number {
  if (count === 0) return shannon;
  const each = Math.min(15, Math.max(1, -log2(fround(fround(count) * share))));
  return fround(shannon + fround(each * count));
}

function log2(value: number): number {
  float[0] = value;
  const exponent = ((bits[0]! >> 23) & 255) - 128;
  bits[0] = (bits[0]! & 0x807fffff) + (127 << 23);
  const mantissa = float[0]!;
  const inner = fround(fround(A * mantissa) + B);
  return fround(exponent + fround(fround(inner * mantissa) - C));
}
