/**
 * A sparse index of long windows over much data: it tells where a 32-byte stretch stands, for one window in some dozens
 * to thousands, chosen by content so that both sides choose the same. For finding which parts of a whole image resemble
 * a file; not for exact matches. The hash is a gear hash (W. Xia et al., "FastCDC", 2016): 32 bits deep, 32 bytes wide.
 * This is the plain implementation and the oracle for kernels/match/anchors.ts.
 */

import { releaseMemory } from '../bytes/release.ts';

/** The hash of a byte run, `hash = (hash << 1) + GEAR[byte]` in 32 bits, depends on so many bytes. */
export const GEAR_WINDOW_BYTES = 32;
/** Positions kept for one hash; data that repeats more often tells nothing about where it came from. */
export const MAX_SAME = 4;
/** A number without pattern for each byte. */
export const GEAR = makeGear();

export interface AnchorIndex {
  /** Adds all windows of `bytes`, which stand at `address`. Bytes that go on from the last call, if it was `add` too, are one run. */
  add(bytes: Uint8Array, address: number): void;
  /** Calls `found` for each chosen window of `bytes` that is known, with the addresses (rounded down to 16) it stands at. */
  find(bytes: Uint8Array, found: (addresses: readonly number[]) => void): void;
  /** Gives its memory back; it can't be used any more. */
  close(): void;
}

/** How sparsely windows are chosen of so many bytes, and how many slots their table has. */
export function anchorSizes(
  expectedBytes: number,
  maxAnchors: number,
): { sampleBits: number; slots: number } {
  // One window in 16 at the densest: small files should still have a few anchors.
  let sampleBits = 4;
  while (expectedBytes / 2 ** sampleBits > maxAnchors) sampleBits++;
  const wanted = Math.max(1024, Math.ceil((2 * expectedBytes) / 2 ** sampleBits));
  return { sampleBits, slots: 1 << (32 - Math.clz32(wanted)) };
}

/** `expectedBytes` sets how sparsely windows are chosen: at most about `maxAnchors` (16 to 32 bytes of memory each). */
export function createAnchorIndex(expectedBytes: number, maxAnchors: number): AnchorIndex {
  const { sampleBits, slots } = anchorSizes(expectedBytes, maxAnchors);
  const chosen = (hash: number) => hash >>> (32 - sampleBits) === 0;
  const hashes = new Int32Array(slots);
  const units = new Uint32Array(slots);
  let count = 0;
  let hash = 0;
  let run = 0;
  let nextAddress = -1;

  const insert = (address: number) => {
    if (count * 4 > slots * 3) return;
    let same = 0;
    let slot = slotOf(hash, slots);
    for (; units[slot] !== 0; slot = (slot + 1) & (slots - 1)) {
      if (hashes[slot] === hash && ++same === MAX_SAME) return;
    }
    hashes[slot] = hash;
    units[slot] = Math.floor(address / 16) + 1;
    count++;
  };

  return {
    add(bytes, address) {
      if (address !== nextAddress) run = 0;
      nextAddress = address + bytes.length;
      for (let i = 0; i < bytes.length; i++) {
        hash = ((hash << 1) + GEAR[bytes[i]!]!) | 0;
        run++;
        if (chosen(hash) && run >= GEAR_WINDOW_BYTES) insert(address + i + 1 - GEAR_WINDOW_BYTES);
      }
    },
    find(bytes, found) {
      let rolling = 0;
      for (let i = 0; i < bytes.length; i++) {
        rolling = ((rolling << 1) + GEAR[bytes[i]!]!) | 0;
        if (i + 1 < GEAR_WINDOW_BYTES || !chosen(rolling)) continue;
        const addresses: number[] = [];
        for (let slot = slotOf(rolling, slots); units[slot] !== 0; slot = (slot + 1) & (slots - 1)) {
          if (hashes[slot] === rolling) addresses.push((units[slot]! - 1) * 16);
        }
        if (addresses.length > 0) found(addresses);
      }
    },
    close: () => releaseMemory([hashes, units]),
  };
}

/** Where the search for a hash begins. */
export function slotOf(hash: number, slots: number): number {
  return (Math.imul(hash, 0x2545f491) >>> 7) & (slots - 1);
}

/** 256 numbers without pattern: splitmix32 from a fixed seed, the same on every machine. */
function makeGear(): Int32Array {
  const gear = new Int32Array(256);
  let state = 0x6d2b79f5;
  for (let i = 0; i < 256; i++) {
    state = (state + 0x9e3779b9) | 0;
    let value = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
    gear[i] = value ^ (value >>> 15);
  }
  return gear;
}
