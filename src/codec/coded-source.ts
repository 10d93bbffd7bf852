/** Where a stream's coded pieces come from: a file that has those of other streams between them. */
import type { PullCoded } from './stream-decoder.ts';

/** Stands for a piece that is not read before it is needed. */
export const LATER = Symbol('later');

export interface CodedSource {
  /** The next piece, however far it is. */
  readonly pull: PullCoded;
  /** The next piece, or LATER when too much of other streams would have to wait for it. Not to be called beside `pull`. */
  readonly pullAhead: () => Promise<Uint8Array | undefined | typeof LATER>;
}
