import type { History } from './history.ts';

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
const SHORTEST_BLOCK = 13;

/** A matcher that keeps what it needs in a history, and in tables that the history was given. */
export abstract class HistoryMatcher implements FastMatcher {
  protected readonly history: History;
  readonly tokens: Uint32Array;

  constructor(history: History) {
    this.history = history;
    this.tokens = history.tokens;
  }

  clear(): void {
    this.history.clear();
  }

  forget(): void {
    this.history.forget();
  }

  encode(from: Uint8Array, start: number, end: number): number {
    const at = this.history.add(from, start, end);
    if (end - start < SHORTEST_BLOCK) return 0;
    this.run(at);
    return this.history.count;
  }

  /** Matches the history's last block, which begins at index `start`. */
  protected abstract run(start: number): void;
}
