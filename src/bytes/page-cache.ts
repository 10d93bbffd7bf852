/**
 * Serves small reads from pages that were read before: asking the system for a few bytes takes longer than copying a
 * page.
 */
import type { RandomAccess } from './access.ts';

const PAGE_BITS = 15;
const PAGE_BYTES = 1 << PAGE_BITS;
/** Larger pieces are read as they are asked for. */
const SMALL_BYTES = 1 << 13;

/** `source` must not change. Memory: `pages` of 32 KiB at most, each taken when it is first wanted. */
export function cachePages(source: RandomAccess, pages = 64): RandomAccess {
  const { sizeBytes } = source;
  const held = new Int32Array(pages).fill(-1);
  const cache: Uint8Array[] = [];
  const pageAt = (page: number): Uint8Array => {
    const slot = page % pages;
    cache[slot] ??= new Uint8Array(PAGE_BYTES);
    const bytes = cache[slot];
    if (held[slot] !== page) {
      // Nothing, should reading fail.
      held[slot] = -1;
      const start = page * PAGE_BYTES;
      source.readAt(start, bytes.subarray(0, Math.min(PAGE_BYTES, sizeBytes - start)));
      held[slot] = page;
    }
    return bytes;
  };
  return {
    sizeBytes,
    ranges: source.ranges,
    readAt(position, into) {
      if (into.length > SMALL_BYTES || !(position >= 0 && position + into.length <= sizeBytes)) {
        source.readAt(position, into);
        return;
      }
      for (let done = 0; done < into.length; ) {
        const at = position + done;
        const page = Math.floor(at / PAGE_BYTES);
        const from = at - page * PAGE_BYTES;
        const count = Math.min(into.length - done, PAGE_BYTES - from);
        const bytes = pageAt(page);
        if (count <= BYTEWISE) for (let i = 0; i < count; i++) into[done + i] = bytes[from + i]!;
        else into.set(bytes.subarray(from, from + count), done);
        done += count;
      }
    },
  };
}

/** Fewer bytes are copied sooner one by one. */
const BYTEWISE = 16;
