/**
 * What `--effort` means: one record that says how hard each step tries. A level changes the size of a patch and the time
 * it takes to make it, never what it yields.
 */
import type { BrotliLimits } from '../codec/stream-encoder.ts';
import { DidiffError } from '../errors.ts';

export interface Effort {
  /** 1 to 9. */
  readonly level: number;
  /** Candidates that matching tries for one position. */
  readonly chain: number;
  /** By how many bits windows are sampled more sparsely than the size of the old bytes asks for. */
  readonly sparserBits: number;
  /** Whether what a file was is looked for in all of the base, or only in its earlier version. */
  readonly looksAround: boolean;
  /** Whether prediction of executables is tried. */
  readonly predictsExecutables: boolean;
  /** How often executables are matched again, with references labelled by what the time before told. */
  readonly labellings: number;
  /** By how many bits more sparsely executables are matched the first time, when they are matched again. */
  readonly firstSparserBits: number;
  /** Whether compressed parts of files are opened. */
  readonly opensParts: boolean;
  /** Whether new bytes are looked for among those of the whole layer. */
  readonly findsRepeats: boolean;
  /**
   * The largest stream that the mixing coder is tried on, in bytes: it takes half a second for a megabyte, or a
   * second.
   */
  readonly mixedBytes: number;
  /** Whether brotli, which takes twice as long and is rarely smaller, is left out where the mixing coder does well. */
  readonly mixesAlone: boolean;
  /**
   * The largest stream that the recalling coder is tried on besides brotli, in bytes: it takes up to a second for a
   * megabyte.
   */
  readonly recalledBytes: number;
  /**
   * The largest stream of text that it codes at once, without brotli, in bytes: of text, makers and readers do some
   * megabytes a second.
   */
  readonly recalledTextBytes: number;
  /** Whether digests of files that are listed in others are left to the reader. */
  readonly listsDigests: boolean;
  /** New bytes of a file that are matched at once, against twice as many old ones at most. */
  readonly windowBytes: number;
  /** Places of the base that are known by their content, at most: 16 to 32 bytes each. */
  readonly maxAnchors: number;
  /** Whether large streams may be coded while they still grow. */
  readonly codesEarly: boolean;
  /** How streams are coded with brotli. */
  readonly brotli: BrotliLimits;
}

export const DEFAULT_EFFORT = 6;
export const MAX_EFFORT = 9;

const MB = 1 << 20;
const FAST = {
  looksAround: false,
  predictsExecutables: false,
  labellings: 0,
  firstSparserBits: 0,
  opensParts: false,
  findsRepeats: false,
  listsDigests: false,
  sparserBits: 1,
  mixedBytes: 0,
  mixesAlone: true,
  recalledBytes: 0,
  recalledTextBytes: 0,
};
const MIDDLE = {
  looksAround: true,
  predictsExecutables: true,
  labellings: 0,
  firstSparserBits: 0,
  opensParts: true,
  findsRepeats: true,
  listsDigests: true,
  sparserBits: 0,
  mixedBytes: MB,
  mixesAlone: true,
  recalledBytes: 0,
  recalledTextBytes: 0,
};
const FULL = { ...MIDDLE, labellings: 1, mixesAlone: false };
const EVERYTHING = 2 ** 53;

type Level = Omit<Effort, 'level' | 'windowBytes' | 'maxAnchors' | 'codesEarly'>;

const EFFORTS: readonly Level[] = [
  { ...FAST, chain: 2, brotli: { best: 0, good: 0, rest: 5 } },
  { ...FAST, looksAround: true, chain: 4, brotli: { best: 0, good: 0, rest: 7 } },
  { ...MIDDLE, sparserBits: 1, chain: 4, brotli: { best: MB / 4, good: MB / 4, rest: 9 } },
  { ...MIDDLE, chain: 16, brotli: { best: MB / 2, good: MB, rest: 9 } },
  { ...FULL, firstSparserBits: 1, chain: 24, brotli: { best: MB, good: 4 * MB, rest: 9 } },
  {
    ...FULL,
    firstSparserBits: 1,
    chain: 24,
    recalledBytes: 2 * MB,
    recalledTextBytes: 32 * MB,
    brotli: { best: 4 * MB, good: 64 * MB, rest: 9 },
  },
  {
    ...FULL,
    labellings: 2,
    chain: 48,
    recalledBytes: 32 * MB,
    recalledTextBytes: 128 * MB,
    brotli: { best: 8 * MB, good: 256 * MB, rest: 10 },
  },
  {
    ...FULL,
    labellings: 2,
    chain: 96,
    sparserBits: -1,
    recalledBytes: 128 * MB,
    recalledTextBytes: 512 * MB,
    brotli: { best: 32 * MB, good: 256 * MB, rest: 10 },
  },
  {
    ...FULL,
    labellings: 3,
    chain: 256,
    sparserBits: -2,
    recalledBytes: EVERYTHING,
    recalledTextBytes: EVERYTHING,
    brotli: { best: EVERYTHING, good: EVERYTHING, rest: 11 },
  },
];

/** The effort of a level. Throws USAGE for one that there is not. */
export function effortOf(level: number): Effort {
  const found = EFFORTS[level - 1];
  if (found !== undefined) {
    return { level, windowBytes: MB, maxAnchors: MB, codesEarly: true, ...found };
  }
  throw new DidiffError(
    'USAGE',
    `there is no effort ${level}: expected a whole number from 1 to ${MAX_EFFORT}`,
  );
}

/**
 * The same without all that knows what files are, or takes coders of our own: whatever may be wrong with these, it
 * isn't there.
 */
export function plainEffort(effort: Effort): Effort {
  return { ...effort, ...FAST, looksAround: effort.looksAround, sparserBits: effort.sparserBits };
}
