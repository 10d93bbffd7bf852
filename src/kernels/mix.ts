/**
 * The mixing coder, in a kernel where there is WebAssembly, in plain code where there is none. Streams are coded as a
 * whole, in memory that is used again for the next one.
 */
import type { MixKind } from './mix-contexts.ts';
import { slotBitsFor } from './mix-model.ts';
import { decodeMixPlain, encodeMixPlain, weighMixPlain } from './mix-plain.ts';
import { RATES, SQUASH, STRETCH } from './mix-tables.ts';
import { WASM } from './mix-wasm.ts';
import { startKernel } from './wasm.ts';

/** No stream that is coded so is longer, plain. */
export const MAX_MIX_BYTES = 1 << 20;
/** What coding or decoding takes besides the stream's own bytes. */
export const MIX_MEMORY_BYTES = 5 << 20;

interface Exports {
  squashAt(): number;
  stretchAt(): number;
  ratesAt(): number;
  plainAt(): number;
  codedAt(): number;
  start(integers: boolean, slotBits: number): void;
  encode(count: number): number;
  decode(size: number, count: number): number;
  weigh(at: number, count: number): void;
}

export interface Mixer {
  /**
   * `plain` is 1 to MAX_MIX_BYTES bytes. Undefined when the result would be as many bytes or more; else the caller's
   * to keep.
   */
  encode(kind: MixKind, plain: Uint8Array): Uint8Array | undefined;
  /**
   * Fills `plain` from `coded`, which is shorter, and gives how many bytes it used of it; more than there are when it
   * is cut short.
   */
  decode(kind: MixKind, coded: Uint8Array, plain: Uint8Array): number;
  /** What each of 1 to MAX_MIX_BYTES bytes takes when all of `plain` is coded, in bits. */
  weigh(kind: MixKind, plain: Uint8Array): Float64Array;
}

/** The kernel gives the chances of so many bytes at once. */
const WEIGHED_BYTES = MAX_MIX_BYTES / 8;

export function startMixer(): Mixer {
  return startMixKernel() ?? { encode: encodeMixPlain, decode: decodeMixPlain, weigh: weighMixPlain };
}

/** Undefined where there is no WebAssembly. */
export function startMixKernel(): Mixer | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  const memory = new Uint8Array(kernel.memory.buffer);
  const view = new DataView(kernel.memory.buffer);
  SQUASH.forEach((value, at) => {
    view.setInt16(kernel.squashAt() + 2 * at, value, true);
  });
  STRETCH.forEach((value, at) => {
    view.setInt16(kernel.stretchAt() + 2 * at, value, true);
  });
  RATES.forEach((value, at) => {
    view.setInt16(kernel.ratesAt() + 2 * at, value, true);
  });
  return {
    encode(kind, plain) {
      kernel.start(kind === 1, slotBitsFor(plain.length));
      memory.set(plain, kernel.plainAt());
      const size = kernel.encode(plain.length);
      return size < 0 ? undefined : memory.slice(kernel.codedAt(), kernel.codedAt() + size);
    },
    decode(kind, coded, plain) {
      kernel.start(kind === 1, slotBitsFor(plain.length));
      memory.set(coded, kernel.codedAt());
      const used = kernel.decode(coded.length, plain.length);
      plain.set(memory.subarray(kernel.plainAt(), kernel.plainAt() + plain.length));
      return used;
    },
    weigh(kind, plain) {
      kernel.start(kind === 1, slotBitsFor(plain.length));
      memory.set(plain, kernel.plainAt());
      const bits = new Float64Array(plain.length);
      for (let at = 0; at < plain.length; at += WEIGHED_BYTES) {
        const count = Math.min(WEIGHED_BYTES, plain.length - at);
        kernel.weigh(at, count);
        const chances = new Float64Array(kernel.memory.buffer, kernel.codedAt(), count);
        for (let i = 0; i < count; i++) bits[at + i] = -Math.log2(chances[i]!);
      }
      return bits;
    },
  };
}
