/** How much memory `create` may take, and what that means for it. */
import { MAX_WINDOW_BITS } from '../codec/stream-encoder.ts';
import { DidiffError } from '../errors.ts';
import type { Effort } from './effort.ts';

/** What it takes with one thread that helps, about. */
const ENOUGH_BYTES = 190e6;
/** What a thread takes, with the files that it matches. */
const THREAD_BYTES = 50e6;
/** What this thread takes besides what it has when threads are started: its own matching, and what it codes. */
const OWN_BYTES = 50e6;
const LEAST_BYTES = 120e6;

/** Unless said otherwise: `threads` are all, this one among them. */
export function defaultMemory(threads: number): number {
  return ENOUGH_BYTES + THREAD_BYTES * Math.max(0, threads - 2);
}

/** How many threads there is room for now, of `threads` besides this one, when `soonBytes` will be taken besides. */
export function threadsWithin(memoryBytes: number, threads: number, soonBytes: number): number {
  const left = memoryBytes - Math.max(OWN_BYTES, soonBytes) - process.memoryUsage.rss();
  return Math.max(0, Math.min(threads, Math.floor(left / THREAD_BYTES)));
}

/**
 * What a thread that has matched files takes besides, to mix streams and prove layers, with what this one takes for
 * that.
 */
const LATE_BYTES = 35e6;

/** Whether so many threads that matched files may go on: what they took for that they keep. */
export function mayGoOn(memoryBytes: number, threads: number): boolean {
  return memoryBytes - process.memoryUsage.rss() >= threads * LATE_BYTES;
}

/**
 * The effort within so much memory: below what is enough for all, files are matched in smaller windows and streams are
 * coded with smaller ones, which depends on nothing else. Throws USAGE when it can't be done with so little.
 */
export function effortWithin(effort: Effort, memoryBytes: number): Effort {
  if (!(memoryBytes >= LEAST_BYTES))
    throw new DidiffError(
      'USAGE',
      `a patch can't be made within ${memoryBytes} bytes of memory: at least ${LEAST_BYTES} are needed`,
      { hint: 'Give --memory at least 120MB, and some 200 bytes more for each file of the base.' },
    );
  if (memoryBytes >= ENOUGH_BYTES) return effort;
  const halvings = memoryBytes >= 150e6 ? 1 : 2;
  return {
    ...effort,
    windowBytes: effort.windowBytes >> halvings,
    maxAnchors: effort.maxAnchors >> halvings,
    codesEarly: false,
    brotli: { ...effort.brotli, maxWindowBits: MAX_WINDOW_BITS - halvings },
  };
}
