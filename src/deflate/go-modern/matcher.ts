/** What the fast levels have in common to the model: blocks in, tokens out. */
export interface FastMatcher {
  /** Matches a block of at most 65535 bytes; returns the count of `tokens`, 0 when nothing was found. */
  encode(from: Uint8Array, start: number, end: number): number;
  readonly tokens: Uint32Array;
  /** Puts all bytes so far out of reach. */
  forget(): void;
  /** Everything as if new. */
  clear(): void;
}

/** Blocks shorter than this are not searched. */
export const SHORTEST_BLOCK = 13;
