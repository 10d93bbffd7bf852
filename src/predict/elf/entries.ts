/** Walks a table of records of one size, in steps, and hands each new record to a predictor of its kind. */
import type { Area } from './image.ts';
import { type Context, type Correct, type Piece, STEP_BYTES, type Stepper } from './piece.ts';

/** The bytes of a step while they are predicted. */
export interface Draft {
  /** Predicted up to some place, true up to `fixed`. */
  bytes: Uint8Array;
  /** Makes the bytes up to `end` true; all of them have been predicted. */
  fixTo(end: number): void;
}

export function startDraft(): Draft & { begin(into: Uint8Array, correct: Correct): void } {
  let fixed = 0;
  let correct: Correct = () => {};
  return {
    bytes: new Uint8Array(0),
    begin(into, by) {
      this.bytes = into;
      correct = by;
      fixed = 0;
    },
    fixTo(end) {
      if (end > fixed) correct(fixed, end);
      fixed = Math.max(fixed, end);
    },
  };
}

/**
 * `predict` fills `draft.bytes` from `at` on with one record and may have parts of it fixed; `index` is the number of
 * the old record that stands where the new one does, `newOffset` where the new one begins in its file. Records cut by
 * the piece's ends are copied.
 */
export function entryStepper(
  context: Context,
  piece: Piece,
  area: Area,
  entryBytes: number,
  predict: (draft: Draft, at: number, index: number, newOffset: number) => void,
): Stepper {
  const draft = startDraft();
  const phase = (piece.oldStart - area.start) % entryBytes;
  const lead = Math.min(piece.length, phase === 0 ? 0 : entryBytes - phase);
  const mostBytes = STEP_BYTES - (STEP_BYTES % entryBytes);
  let done = 0;
  const copy = (count: number, into: Uint8Array) => {
    context.old.copy(piece.oldStart + done, into.subarray(0, count));
    draft.fixTo(count);
    done += count;
    return count;
  };
  return (into, correct) => {
    draft.begin(into, correct);
    const left = piece.length - done;
    if (done < lead) return copy(lead, into);
    if (left < entryBytes) return copy(left, into);
    const count = Math.min(left - (left % entryBytes), mostBytes);
    let index = (piece.oldStart + done - area.start) / entryBytes;
    for (let at = 0; at < count; at += entryBytes) {
      predict(draft, at, index++, piece.newStart + done + at);
      draft.fixTo(at + entryBytes);
    }
    done += count;
    return count;
  };
}
