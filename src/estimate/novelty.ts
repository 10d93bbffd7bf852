/**
 * How much of a file is new, roughly and quickly: the blocks of 16 bytes that stand nowhere in its earlier version. What
 * a file costs in a patch goes with that far more closely than with its size.
 */
import { type RandomAccess, readRange } from '../bytes/access.ts';

const BLOCK_BYTES = 16;
/** Files are looked at in windows of this size, each beside the same part of the earlier version. */
const WINDOW_BYTES = 4 << 20;
const PRIME = 0x01000193;
/** PRIME to the power of BLOCK_BYTES: what a byte has become when it leaves the window. */
const LEAVING = powerOf(PRIME, BLOCK_BYTES);

/** Bytes of `next` in blocks that `old` hasn't; all of them where there is no `old`. */
export function measureNovelty(next: RandomAccess, old: RandomAccess | undefined): number {
  if (old === undefined) return next.sizeBytes;
  let bytes = 0;
  for (let start = 0; start < next.sizeBytes; start += WINDOW_BYTES) {
    const size = Math.min(WINDOW_BYTES, next.sizeBytes - start);
    // Twice as much of the old: what was there may have moved.
    const from = Math.min(Math.max(0, start - WINDOW_BYTES / 2), old.sizeBytes);
    const oldSize = Math.min(2 * WINDOW_BYTES, old.sizeBytes - from);
    bytes += newBytes(
      readRange(next, start, size, WINDOW_BYTES),
      readRange(old, from, oldSize, 2 * WINDOW_BYTES),
    );
  }
  return bytes;
}

function newBytes(next: Uint8Array, old: Uint8Array): number {
  const blocks = Math.floor(next.length / BLOCK_BYTES);
  const rest = next.length - blocks * BLOCK_BYTES;
  if (blocks === 0) return next.length;
  const bits = 33 - Math.clz32(blocks);
  const slots = new Int32Array(1 << bits);
  const hashes = new Int32Array(blocks);
  const next1 = new Int32Array(blocks);
  for (let block = 0; block < blocks; block++) {
    let hash = 0;
    for (let i = block * BLOCK_BYTES; i < (block + 1) * BLOCK_BYTES; i++)
      hash = (Math.imul(hash, PRIME) + next[i]!) | 0;
    hashes[block] = hash;
    const slot = slotOf(hash, bits);
    next1[block] = slots[slot]!;
    slots[slot] = block + 1;
  }
  const found = new Uint8Array(blocks);
  let hash = 0;
  for (let i = 0; i < old.length; i++) {
    hash = (Math.imul(hash, PRIME) + old[i]!) | 0;
    if (i >= BLOCK_BYTES) hash = (hash - Math.imul(LEAVING, old[i - BLOCK_BYTES]!)) | 0;
    if (i < BLOCK_BYTES - 1) continue;
    for (let at = slots[slotOf(hash, bits)]!; at !== 0; at = next1[at - 1]!)
      if (hashes[at - 1] === hash) {
        // Blocks that are all alike stand in one chain: the first that is marked ends it.
        if (found[at - 1] === 1) break;
        found[at - 1] = 1;
      }
  }
  let count = 0;
  for (const mark of found) if (mark === 0) count++;
  return count * BLOCK_BYTES + (count === 0 ? 0 : rest);
}

function slotOf(hash: number, bits: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (32 - bits);
}

function powerOf(base: number, exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent; i++) power = Math.imul(power, base);
  return power;
}
