/**
 * What a predictor of one kind of bytes is to the driver: it fills the caller's buffer step by step, and asks for
 * every stretch to be corrected before it builds on it. So encoder and decoder walk through the same states.
 */
import type { CdsNews } from '../cds/news.ts';
import type { Addresses } from './addresses.ts';
import type { GoWords } from './go-words.ts';
import type { ElfImage } from './image.ts';
import type { OldBytes } from './old-bytes.ts';
import type { RegionMap } from './region-map.ts';
import type { Base } from './relative.ts';
import type { SortedRecords, Tables } from './tables.ts';
import type { TakenOffsets } from './taken.ts';

/** The most bytes predicted in one step; buffers handed in are at least as long. */
export const STEP_BYTES = 1 << 16;

/**
 * Turns the predicted bytes `from` to `to` of the step's buffer into the true ones. Called in order, each byte
 * exactly once; a stretch may be empty.
 */
export type Correct = (from: number, to: number) => void;

/** Predicts the next bytes of its piece into `into`; answers how many, all of them corrected. */
export type Stepper = (into: Uint8Array, correct: Correct) => number;

/** A stretch of a region inside of one area of the old file. */
export interface Piece {
  readonly oldStart: number;
  readonly newStart: number;
  readonly length: number;
}

/** What the predictors of one file share. */
export interface Context {
  readonly old: OldBytes;
  readonly image: ElfImage;
  readonly addresses: Addresses;
  readonly map: RegionMap;
  readonly tables: Tables;
  readonly taken: TakenOffsets;
  /** Undefined for files that Go's linker did not make. */
  readonly goWords: GoWords | undefined;
  /** Undefined for all but archives of Java classes. */
  readonly cdsNews: CdsNews | undefined;
  /** What offsets in the old sections that have bytes count from, in a file still to be linked; else empty. */
  readonly sectionBases: readonly (Base | undefined)[];
  /** The size of what stands at an old address, grown or shrunk as its bytes are by the map. */
  movedSize(address: number, size: number): number;
  /** STEP_BYTES and some, free at the beginning of every step. */
  readonly scratch: Uint8Array;
  /** The new relative relocations in order of their places, once they are asked for. */
  relocatedByPlace: SortedRecords | undefined;
}

/** The old bytes as they are. */
export function copyStepper(context: Context, piece: Piece): Stepper {
  let done = 0;
  return (into, correct) => {
    const count = Math.min(piece.length - done, STEP_BYTES);
    context.old.copy(piece.oldStart + done, into.subarray(0, count));
    correct(0, count);
    done += count;
    return count;
  };
}
