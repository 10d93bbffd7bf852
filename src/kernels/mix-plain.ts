/**
 * The mixing coder without WebAssembly: arithmetic coding of bits by the chances that the model gives them. The oracle of
 * the kernel, and what runs where there is none (docs/coder.md, "Bits").
 */
import type { MixKind } from './mix-contexts.ts';
import { mixModel } from './mix-model.ts';

/** What is written, or undefined when it would be as many bytes as `plain` or more. */
export function encodeMixPlain(kind: MixKind, plain: Uint8Array): Uint8Array | undefined {
  const model = mixModel(kind, plain.length);
  const out: number[] = [];
  let low = 0;
  let high = 0xffff_ffff;
  for (const byte of plain) {
    for (let shift = 7; shift >= 0; shift--) {
      const bit = (byte >> shift) & 1;
      const middle = divide(low, high, model.predict());
      if (bit === 1) high = middle;
      else low = middle + 1;
      model.push(bit);
      while (low >>> 24 === high >>> 24) {
        out.push(low >>> 24);
        low = (low << 8) >>> 0;
        high = ((high << 8) | 255) >>> 0;
      }
    }
    if (out.length + 1 >= plain.length) return undefined;
  }
  // Zeros follow what is written, as readers take it: one more byte gives a number between the two.
  out.push(Math.floor((low + 0xff_ffff) / 2 ** 24));
  return Uint8Array.from(out);
}

/** Fills `plain`, and gives how many bytes of `coded` that took: of those past its end, which count as zeros, all but three. */
export function decodeMixPlain(kind: MixKind, coded: Uint8Array, plain: Uint8Array): number {
  const model = mixModel(kind, plain.length);
  let used = 0;
  let low = 0;
  let high = 0xffff_ffff;
  let value = 0;
  const take = () => {
    value = ((value << 8) | (coded[used] ?? 0)) >>> 0;
    used++;
  };
  for (let i = 0; i < 4; i++) take();
  for (let at = 0; at < plain.length; at++) {
    let byte = 0;
    for (let i = 0; i < 8; i++) {
      const middle = divide(low, high, model.predict());
      const bit = value <= middle ? 1 : 0;
      if (bit === 1) high = middle;
      else low = middle + 1;
      byte = byte * 2 + bit;
      model.push(bit);
      while (low >>> 24 === high >>> 24) {
        low = (low << 8) >>> 0;
        high = ((high << 8) | 255) >>> 0;
        take();
      }
    }
    plain[at] = byte;
  }
  return used - 3;
}

/** What each byte of `plain` takes when all of it is coded, in bits: together the coded size, but for the last byte of it. */
export function weighMixPlain(kind: MixKind, plain: Uint8Array): Float64Array {
  const model = mixModel(kind, plain.length);
  return Float64Array.from(plain, (byte) => {
    let chance = 1;
    for (let shift = 7; shift >= 0; shift--) {
      const bit = (byte >> shift) & 1;
      const ofOne = model.predict();
      chance *= (bit === 1 ? ofOne : 65536 - ofOne) / 65536;
      model.push(bit);
    }
    return -Math.log2(chance);
  });
}

/** Where the numbers from `low` to `high` are split: those up to there are for a one. */
function divide(low: number, high: number, chance: number): number {
  const range = high - low;
  return low + (range >>> 16) * chance + (((range & 0xffff) * chance) >>> 16);
}
