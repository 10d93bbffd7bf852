/** How levels 7 to 9 of Go 1.27's encoder differ, and what they hand their blocks to. */

/** Ends a block: its tokens, and where its plain bytes are in the buffer (start −1: already gone). */
export type LazySink = (
  tokens: Uint32Array,
  count: number,
  buffer: Uint8Array,
  start: number,
  end: number,
  sync: boolean,
) => void;

export interface LazyLevel {
  /** Look on for a better match while the present one is shorter. */
  readonly lazy: number;
  /** A match this long is good enough to stop searching. */
  readonly nice: number;
  /** How many candidates are looked at; from 100 on they are weighed. */
  readonly chain: number;
}

export const LAZY_LEVELS: ReadonlyMap<number, LazyLevel> = new Map([
  [7, { lazy: 12, nice: 16, chain: 24 }],
  [8, { lazy: 30, nice: 40, chain: 64 }],
  [9, { lazy: 258, nice: 258, chain: 1024 }],
]);
