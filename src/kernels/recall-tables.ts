/** Numbers of the recalling coder, in its plain form and in its kernel alike (docs/coder.md, "The recalling coder"). */
import { ratesOf } from './mix-tables.ts';

/** While so many coded bytes are there, the next step can be made: of a plain byte, or a run. */
export const MOST_RECALL_CODED_BYTES = 48;

/** From this length on, a guess is sure of the next bytes as a whole: a run. */
export const SURE_LENGTH = 16;
export const LONGEST_RUN = 64;
/** So many of the bytes that an encoder was given may not be coded yet: a run is, when it is known whole. */
export const MOST_HELD_BYTES = LONGEST_RUN - 1;

/** How long a run is, when the guess has such a length, at least `SURE_LENGTH`. */
export function runLength(length: number): number {
  if (length < 48) return 16;
  return length < 96 ? 32 : LONGEST_RUN;
}

/** By how often a counter learned, up to 7: the share, of 2^15, of the error by which it moves. */
export const PAST_RATES = ratesOf(1.5, 3, 6, 12, 20, 25, 30, 32);
export const CELL_RATES = ratesOf(1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7, 8);
export const BIT_RATES = ratesOf(1.5, 2.5, 3.5, 5, 6.5, 8, 9, 10);

/** The least length of each class of lengths. */
const CLASS_LENGTHS = [0, 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 48, 64, 128, 511] as const;

/** By length, up to 511: its class, 0..15. */
export const LENGTH_CLASSES = Uint8Array.from({ length: 512 }, (_, length) =>
  CLASS_LENGTHS.findLastIndex((least) => least <= length),
);

export const WORD_BREAK = 0;
export const WORD_LETTER = 1;
export const WORD_DIGIT = 2;

/** By byte: what it does to the word. */
export const WORD_KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x30 && byte <= 0x39) return WORD_DIGIT;
  const isLetter = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
  return isLetter || byte >= 0x80 || byte === 0x24 || byte === 0x5f ? WORD_LETTER : WORD_BREAK;
});
