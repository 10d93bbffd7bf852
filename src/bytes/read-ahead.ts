/**
 * Reads a little ahead for who reads small pieces one behind the other: asking the system for each takes longer than they
 * do. What is read at random is read as it was asked for.
 */
import type { RandomAccess } from './access.ts';

const WINDOW_BYTES = 1 << 16;
/** Larger pieces are not worth being copied twice. */
const SMALL_BYTES = 1 << 13;
/** So much may lie between one piece and the next. */
const GAP_BYTES = 1 << 13;

/** `source` must not change. The reader is for one user, who may have others beside it. */
export function readAhead(source: RandomAccess): RandomAccess {
  let window: Uint8Array | undefined;
  let start = 0;
  let end = 0;
  /** Where the last piece that the window did not have ended. */
  let last = -1;
  const fill = (from: number) => {
    window ??= new Uint8Array(WINDOW_BYTES);
    const count = Math.min(WINDOW_BYTES, source.sizeBytes - from);
    start = 0;
    end = 0;
    source.readAt(from, window.subarray(0, count));
    start = from;
    end = from + count;
  };
  return {
    sizeBytes: source.sizeBytes,
    ranges: source.ranges,
    readAt(position, into) {
      const stop = position + into.length;
      if (position < start || stop > end || window === undefined) {
        const isNext = position >= last && position - last <= GAP_BYTES && last >= 0;
        last = stop;
        if (!isNext || into.length > SMALL_BYTES || stop > source.sizeBytes) {
          source.readAt(position, into);
          return;
        }
        fill(position);
        last = end;
      }
      into.set(window!.subarray(position - start, stop - start));
    },
  };
}
