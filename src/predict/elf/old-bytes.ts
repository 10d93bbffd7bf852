/**
 * The old file as the predictors see it: single numbers from anywhere, read through a page cache of fixed size. What
 * lies outside of the file reads as zero, so a hostile offset costs nothing and both sides see the same.
 */

import type { RandomAccess } from '../../bytes/access.ts';
import { releaseMemory } from '../../bytes/release.ts';

const PAGE_BITS = 14;
const PAGE_BYTES = 1 << PAGE_BITS;
const MAX_PAGES = 128;
/** Longer stretches are read past the cache; records of tables, a call for each, from it. */
const CACHED_BYTES = 1 << 12;

/** Numbers are little-endian. Offsets are any safe integers. */
export interface OldBytes {
  readonly sizeBytes: number;
  u8(at: number): number;
  u16(at: number): number;
  u32(at: number): number;
  /** Two's complement. */
  i32(at: number): number;
  /** The eight bytes as an unsigned number; inexact from 2^53 on. */
  u64(at: number): number;
  /** Fills `into` from `at` on, with zeros where there is no file. */
  copy(at: number, into: Uint8Array): void;
  /** Gives its memory back; it can't be used any more. */
  close(): void;
}

/** Memory: 2 MiB, or the file's size where that is less. */
export function openOldBytes(old: RandomAccess): OldBytes {
  const { sizeBytes } = old;
  const pages = Math.min(MAX_PAGES, Math.ceil(sizeBytes / PAGE_BYTES) || 1);
  const cache = new Uint8Array(pages * PAGE_BYTES);
  const held = new Int32Array(pages).fill(-1);

  /** Where byte `at` of the file stands in the cache; `at` is inside of the file. */
  const locate = (at: number): number => {
    const page = Math.floor(at / PAGE_BYTES);
    const slot = page % pages;
    if (held[slot] !== page) {
      const start = page * PAGE_BYTES;
      const length = Math.min(PAGE_BYTES, sizeBytes - start);
      old.readAt(start, cache.subarray(slot * PAGE_BYTES, slot * PAGE_BYTES + length));
      held[slot] = page;
    }
    return slot * PAGE_BYTES + (at % PAGE_BYTES);
  };
  const u8 = (at: number): number => (at >= 0 && at < sizeBytes ? cache[locate(at)]! : 0);
  const u16 = (at: number): number => u8(at) | (u8(at + 1) << 8);
  const i32 = (at: number): number => {
    if (at >= 0 && at + 4 <= sizeBytes && at % PAGE_BYTES <= PAGE_BYTES - 4) {
      const i = locate(at);
      return cache[i]! | (cache[i + 1]! << 8) | (cache[i + 2]! << 16) | (cache[i + 3]! << 24);
    }
    return u16(at) | (u16(at + 2) << 16);
  };
  const u32 = (at: number): number => i32(at) >>> 0;
  return {
    sizeBytes,
    u8,
    u16,
    u32,
    i32,
    u64: (at) => u32(at) + u32(at + 4) * 2 ** 32,
    copy(at, into) {
      const from = Math.max(0, -at);
      const to = Math.min(into.length, sizeBytes - at);
      if (to <= from) {
        into.fill(0);
        return;
      }
      into.fill(0, 0, from);
      into.fill(0, to);
      if (to - from > CACHED_BYTES) old.readAt(at + from, into.subarray(from, to));
      else
        for (let done = from; done < to; ) {
          const found = locate(at + done);
          const count = Math.min(to - done, PAGE_BYTES - (found % PAGE_BYTES));
          for (let i = 0; i < count; i++) into[done + i] = cache[found + i]!;
          done += count;
        }
    },
    close: () => releaseMemory([cache, held]),
  };
}
