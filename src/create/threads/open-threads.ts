/** Opens the pool of threads of one `create`; thread.ts is what they run. */
import { openPool, type Pool } from './pool.ts';

/**
 * `threads` are those besides this one. Undefined where there are none, or nothing compiled that they could run, as when
 * the program runs from its sources.
 */
export function openThreads(threads: number, signal: AbortSignal | undefined): Pool | undefined {
  if (threads < 1 || import.meta.url.endsWith('.ts')) return undefined;
  return openPool(new URL('./thread.js', import.meta.url), threads, signal);
}
