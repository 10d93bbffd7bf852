/**
 * What is left of a file when parts of the base explain it: plain, or predicted as one executable from another. Both
 * are made by walking the file as the reader of the patch will.
 */
import { type RandomAccess, sliceAccess } from '../bytes/access.ts';
import { eachDifference } from '../bytes/differences.ts';
import { type ElfPredictor, openElfPredictor, STEP_BYTES } from '../predict/elf/predictor.ts';

/** A stretch of a predicted executable that stands in the base, from `newStart` of it on. */
export interface Match {
  readonly newStart: number;
  readonly address: number;
  readonly length: number;
}

/** How one file is made of the base, with prediction from the file that stands at `oldAddress`. */
export interface ExecutablePlan {
  readonly oldAddress: number;
  readonly oldBytes: number;
  /** In the order of newStart, not overlapping; what lies between is literal. */
  readonly matches: readonly Match[];
  readonly residual: Residual;
}

/**
 * By how much the bytes of matches, one after the other, differ from what is expected: see "Regions" in
 * docs/format.md.
 */
export interface Residual {
  /** The equal bytes before each byte that differs. */
  readonly gaps: Int32Array;
  readonly diffs: Uint8Array;
  /** Bytes of all matches together. */
  readonly coveredBytes: number;
}

/** The file that stands in the base where an executable is predicted from. */
export interface OldFile {
  readonly address: number;
  readonly sizeBytes: number;
}

/**
 * Compares `next` with what `matches` let expect. With `predictFrom`, matches that lie inside of that file are predicted
 * from it; undefined then, when it is no executable that prediction knows.
 */
export function residualOf(
  base: RandomAccess,
  next: RandomAccess,
  matches: readonly Match[],
  predictFrom: OldFile | undefined,
): Residual | undefined {
  const out = growingResidual();
  const expected = new Uint8Array(STEP_BYTES);
  const truth = new Uint8Array(STEP_BYTES);
  let predictor: ElfPredictor | undefined;
  if (predictFrom !== undefined) {
    const regions = matches
      .filter((each) => isInside(each, predictFrom))
      .map(({ newStart, address, length }) => ({
        newStart,
        oldStart: address - predictFrom.address,
        length,
      }));
    predictor = openElfPredictor(
      sliceAccess(base, predictFrom.address, predictFrom.sizeBytes),
      regions,
      next.sizeBytes,
    );
    if (predictor === undefined) return undefined;
  }
  /** Bytes of the file that are known to the reader. */
  let at = 0;
  let region = 0;
  const literalTo = (end: number) => {
    while (at < end) {
      const piece = truth.subarray(0, Math.min(STEP_BYTES, end - at));
      if (predictor === undefined) {
        at = end;
        return;
      }
      next.readAt(at, piece);
      predictor.literal(at, piece);
      at += piece.length;
    }
  };
  const correct = (from: number, to: number) => out.compare(expected, truth, from, to);
  for (const match of matches) {
    literalTo(match.newStart);
    const predicted = predictor !== undefined && isInside(match, predictFrom!);
    if (predicted) predictor!.startRegion(region++);
    for (let done = 0; done < match.length; ) {
      let count = Math.min(STEP_BYTES, match.length - done);
      const bytes = truth.subarray(0, count);
      next.readAt(at, bytes);
      if (predicted) count = predictor!.step(expected, correct);
      else {
        base.readAt(match.address + done, expected.subarray(0, count));
        correct(0, count);
        predictor?.literal(at, bytes);
      }
      at += count;
      done += count;
    }
  }
  literalTo(next.sizeBytes);
  return out.residual();
}

export function isInside({ address, length }: Match, file: OldFile): boolean {
  return address >= file.address && address + length <= file.address + file.sizeBytes;
}

export interface GrowingResidual {
  /** Takes `truth[from..to)` for the next bytes of matches, and makes `expected` equal to it. */
  compare(expected: Uint8Array, truth: Uint8Array, from: number, to: number): void;
  residual(): Residual;
}

export function growingResidual(): GrowingResidual {
  let gaps = new Int32Array(1024);
  let diffs = new Uint8Array(1024);
  let count = 0;
  let coveredBytes = 0;
  /** Covered bytes up to and with the last that differs. */
  let told = 0;
  const add = (covered: number, difference: number) => {
    if (count === diffs.length) {
      const [oldGaps, oldDiffs] = [gaps, diffs];
      gaps = new Int32Array(count * 2);
      gaps.set(oldGaps);
      diffs = new Uint8Array(count * 2);
      diffs.set(oldDiffs);
    }
    gaps[count] = covered - told;
    diffs[count++] = difference;
    told = covered + 1;
  };
  let wrong: Uint8Array = diffs;
  let right: Uint8Array = diffs;
  /** Covered bytes at the beginning of what is compared. */
  let before = 0;
  /** One for all comparisons: there is one for each reference in the file. */
  const differ = (at: number) => {
    add(before + at, right[at]! - wrong[at]!);
    wrong[at] = right[at]!;
  };
  return {
    compare(expected, truth, from, to) {
      wrong = expected;
      right = truth;
      before = coveredBytes - from;
      eachDifference(truth, expected, from, to, differ);
      coveredBytes += to - from;
    },
    residual: () => ({ gaps: gaps.subarray(0, count), diffs: diffs.subarray(0, count), coveredBytes }),
  };
}
