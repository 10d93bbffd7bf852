/**
 * Finds where stretches of one run of bytes stand, to the byte, in another: blocks of the old bytes at fixed places, found
 * again at any place of the new by a rolling hash (A. Tridgell, "Efficient Algorithms for Sorting and Synchronization",
 * 1999). Compressed bytes are the same for long, or not at all: near matches aren't looked for.
 */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { releaseMemory } from '../bytes/release.ts';

/** Every stretch of twice this length, less one, holds a whole block. Larger for old bytes of more than 32 MiB. */
const MIN_BLOCK_BYTES = 32;
const MAX_BLOCKS = 1 << 20;
const READ_BYTES = 1 << 18;
const HASH_MULTIPLIER = 0x2c1b3c6d;

/** `length` bytes at `at` of the new bytes stand at `address` of the old. */
export interface CopyRun {
  readonly at: number;
  readonly address: number;
  readonly length: number;
}

export interface BlockIndex {
  /** The runs of `bytes` that stand in what is indexed, ascending, none in another. `tick` is told what was read. */
  find(bytes: RandomAccess, tick: (bytes: number) => Promise<void>): Promise<CopyRun[]>;
  /** Gives its memory back; it can't be used any more. */
  close(): void;
}

/** Indexes all of `old`: 16 to 32 bytes of memory per block, at most 32 MiB. */
export async function indexBlocks(
  old: RandomAccess,
  tick: (bytes: number) => Promise<void>,
): Promise<BlockIndex> {
  let blockBytes = MIN_BLOCK_BYTES;
  while (old.sizeBytes / blockBytes > MAX_BLOCKS) blockBytes *= 2;
  const blocks = Math.floor(old.sizeBytes / blockBytes);
  const slots = 1 << (33 - Math.clz32(blocks + 16));
  const hashes = new Int32Array(slots);
  /** Ordinal of the block + 1. Of blocks of one hash the first is kept. */
  const ordinals = new Int32Array(slots);
  const find = (hash: number): number => {
    let slot = slotOf(hash, slots);
    while (ordinals[slot] !== 0 && hashes[slot] !== hash) slot = (slot + 1) & (slots - 1);
    return slot;
  };
  let ordinal = 0;
  for (const piece of readPieces(old, new Uint8Array(READ_BYTES))) {
    for (let at = 0; at + blockBytes <= piece.length; at += blockBytes) {
      const hash = hashAt(piece, at, blockBytes);
      const slot = find(hash);
      ordinal++;
      if (ordinals[slot] !== 0) continue;
      hashes[slot] = hash;
      ordinals[slot] = ordinal;
    }
    await tick(piece.length);
  }
  const lookUp = (hash: number) => {
    const found = ordinals[find(hash)]!;
    return found === 0 ? -1 : (found - 1) * blockBytes;
  };
  return {
    find: (bytes, tell) => findRuns(bytes, old, blockBytes, lookUp, tell),
    close: () => releaseMemory([hashes, ordinals]),
  };
}

async function findRuns(
  bytes: RandomAccess,
  old: RandomAccess,
  blockBytes: number,
  lookUp: (hash: number) => number,
  tick: (bytes: number) => Promise<void>,
): Promise<CopyRun[]> {
  const runs: CopyRun[] = [];
  const leaving = power(HASH_MULTIPLIER, blockBytes);
  const buffer = new Uint8Array(READ_BYTES);
  const same = comparer(bytes, old);
  let bufferStart = 0;
  let bufferEnd = 0;
  let taken = 0;
  for (let at = 0; at + blockBytes <= bytes.sizeBytes; ) {
    if (at + blockBytes >= bufferEnd) {
      await tick(Math.max(0, at - bufferStart));
      bufferStart = at;
      bufferEnd = Math.min(at + READ_BYTES, bytes.sizeBytes);
      bytes.readAt(at, buffer.subarray(0, bufferEnd - at));
    }
    let hash = hashAt(buffer, at - bufferStart, blockBytes);
    for (; at + blockBytes <= bufferEnd; at++) {
      const address = lookUp(hash);
      const length = address < 0 ? 0 : same.forward(at, address);
      if (length >= blockBytes) {
        const back = same.backward(at, address, at - taken);
        runs.push({ at: at - back, address: address - back, length: back + length });
        at += length;
        taken = at;
        break;
      }
      const i = at - bufferStart;
      hash =
        (Math.imul(hash, HASH_MULTIPLIER) + buffer[i + blockBytes]! - Math.imul(buffer[i]!, leaving)) | 0;
    }
  }
  return runs;
}

/** Counts how many bytes at two places are the same, in steps that grow with what was found. */
function comparer(bytes: RandomAccess, old: RandomAccess) {
  const [a, b] = [Buffer.alloc(COMPARE_BYTES), Buffer.alloc(COMPARE_BYTES)];
  const read = (at: number, address: number, count: number) => {
    bytes.readAt(at, a.subarray(0, count));
    old.readAt(address, b.subarray(0, count));
    return a.compare(b, 0, count, 0, count) === 0;
  };
  return {
    forward(at: number, address: number): number {
      const most = Math.min(bytes.sizeBytes - at, old.sizeBytes - address);
      let done = 0;
      for (let step = FIRST_STEP; done < most; step = Math.min(step * 4, COMPARE_BYTES)) {
        const count = Math.min(step, most - done);
        const all = read(at + done, address + done, count);
        if (!all) {
          let i = 0;
          while (a[i] === b[i]) i++;
          return done + i;
        }
        done += count;
      }
      return done;
    },
    backward(at: number, address: number, limit: number): number {
      const most = Math.min(limit, address);
      let done = 0;
      for (let step = FIRST_STEP; done < most; step = Math.min(step * 4, COMPARE_BYTES)) {
        const count = Math.min(step, most - done);
        const all = read(at - done - count, address - done - count, count);
        if (!all) {
          let i = count;
          while (a[i - 1] === b[i - 1]) i--;
          return done + count - i;
        }
        done += count;
      }
      return done;
    },
  };
}

const FIRST_STEP = 256;
const COMPARE_BYTES = 1 << 16;

function hashAt(bytes: Uint8Array, at: number, count: number): number {
  let hash = 0;
  for (let i = at; i < at + count; i++) hash = (Math.imul(hash, HASH_MULTIPLIER) + bytes[i]!) | 0;
  return hash;
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}

function slotOf(hash: number, slots: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x297a2d39);
  return (mixed ^ (mixed >>> 13)) & (slots - 1);
}
