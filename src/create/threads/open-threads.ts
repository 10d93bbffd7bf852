/** Opens the pool of threads of one `create`; thread.ts is what they run. */
import { openPool, type Pool } from './pool.ts';

/**
 * `room` says how many threads there is room for when they are wanted. Undefined where there is nothing compiled that they
 * could run, as when the program runs from its sources.
 */
export function openThreads(room: () => number, signal: AbortSignal | undefined): Pool | undefined {
  if (import.meta.url.endsWith('.ts')) return undefined;
  return openPool(new URL('./thread.js', import.meta.url), room, signal);
}
