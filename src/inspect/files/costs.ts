/**
 * What the bytes of a stream cost. The mixing coder says it of each. A stream that brotli coded doesn't: its whole size is
 * known, and its bytes are weighed against each other by what an adaptive coder would need that knows how frequent each
 * byte has been and goes on where the same four bytes stood last.
 */
import type { GetMixer } from '../../codec/mix-decoder.ts';
import type { MixKind } from '../../kernels/mix-contexts.ts';

/** Adds up what the bytes of one stream weigh, in their order. */
export interface CostMeter {
  /** `bytes` come next. */
  add(bytes: Uint8Array): void;
  /** What the first `count` bytes weigh together, in bits. To be asked in ascending order, of bytes that were added. */
  upTo(count: number): number;
}

/** The meter of a stream that is stored as it is. */
export function storedMeter(): CostMeter {
  return { add() {}, upTo: (count) => 8 * count };
}

/** The meter of a stream that the mixing coder coded, which tells exactly what each byte took. Its first piece is the whole stream. */
export function mixedMeter(kind: MixKind, getMixer: GetMixer): CostMeter {
  /** Of the first so many bytes. */
  let sums = new Float64Array(1);
  return {
    add(bytes) {
      sums = new Float64Array(bytes.length + 1);
      for (const [at, bits] of getMixer().weigh(kind, bytes).entries()) sums[at + 1] = sums[at]! + bits;
    },
    upTo: (count) => sums[count]!,
  };
}

const WINDOW_BYTES = 1 << 20;
const HASH_BITS = 16;
/** Longer matches count as matches of this length. */
const MOST_LENGTH = 31;
/** No byte is free: the ends of a match cost something too. */
const LEAST_BITS = 0.02;

export function costMeter(): CostMeter {
  const costOf = byteCosts();
  /** Sums for the bytes that may still be asked for: `sums[0]` is of the first `start` bytes. */
  let pieces: { readonly start: number; readonly sums: Float64Array }[] = [];
  let total = 0;
  let added = 0;
  return {
    add(bytes) {
      const sums = new Float64Array(bytes.length + 1);
      sums[0] = total;
      for (let at = 0; at < bytes.length; at++) {
        total += costOf(bytes[at]!);
        sums[at + 1] = total;
      }
      pieces.push({ start: added, sums });
      added += bytes.length;
    },
    upTo(count) {
      if (count === added) return total;
      const at = pieces.findIndex(({ start, sums }) => count < start + sums.length);
      pieces = pieces.slice(at);
      const { start, sums } = pieces[0]!;
      return sums[count - start]!;
    },
  };
}

/** A function that is given byte after byte, and says what each costs, in bits. */
function byteCosts(): (byte: number) => number {
  const literals = literalCosts();
  const history = new Uint8Array(WINDOW_BYTES);
  const lastPlaces = new Int32Array(1 << HASH_BITS).fill(-1);
  /** How often a match of a length went on, and did not. */
  const hits = new Float64Array(MOST_LENGTH + 1).fill(0.5);
  const misses = new Float64Array(MOST_LENGTH + 1).fill(0.5);
  let position = 0;
  let lastFour = 0;
  let match = -1;
  let length = 0;
  return (byte) => {
    let cost = 0;
    if (match >= 0) {
      const seen = hits[length]! + misses[length]!;
      if (history[match % WINDOW_BYTES] === byte) {
        cost = Math.log2(seen / hits[length]!);
        hits[length]!++;
        match++;
        length = Math.min(length + 1, MOST_LENGTH);
        literals.count(byte);
      } else {
        cost = Math.log2(seen / misses[length]!) + literals.take(byte);
        misses[length]!++;
        match = -1;
      }
    } else cost = literals.take(byte);
    history[position++ % WINDOW_BYTES] = byte;
    lastFour = (lastFour << 8) | byte;
    if (position >= 4) {
      const slot = Math.imul(lastFour, 0x9e3779b1) >>> (32 - HASH_BITS);
      if (match < 0 || position - match >= WINDOW_BYTES) {
        const place = lastPlaces[slot]!;
        match = place >= 0 && position - place < WINDOW_BYTES ? place : -1;
        length = 0;
      }
      lastPlaces[slot] = position;
    }
    return Math.max(cost, LEAST_BITS);
  };
}

/** Counts are halved before they are `MOST_COUNT` together, so that what was long ago weighs less. */
const MOST_COUNT = 1 << 13;
const COUNT_STEP = 16;

function literalCosts() {
  const counts = new Uint32Array(256).fill(1);
  let sum = 256;
  const count = (byte: number) => {
    counts[byte]! += COUNT_STEP;
    sum += COUNT_STEP;
    if (sum < MOST_COUNT) return;
    sum = 0;
    for (let at = 0; at < counts.length; at++) {
      counts[at] = (counts[at]! + 1) >> 1;
      sum += counts[at]!;
    }
  };
  return {
    count,
    /** What the byte costs, in bits; it is counted. */
    take(byte: number): number {
      const cost = Math.log2(sum / counts[byte]!);
      count(byte);
      return cost;
    },
  };
}
