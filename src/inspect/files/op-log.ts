/**
 * Listens to a program that runs and notes of each op of the layer what it took from the streams and what it read, all
 * ops inside of it included.
 */
import { OP_BINARY, OP_EXECUTABLE, OP_HEADER, OP_PART, OP_REGION, OP_TEXT } from '../../patch/format.ts';
import { HEADER_BYTES } from '../../predict/tar-header.ts';
import type { Op } from '../../rebuild/ops.ts';
import type { ProgramTrace } from '../../rebuild/trace.ts';
import type { BaseFiles } from './base-files.ts';
import type { CostMeter } from './costs.ts';
import { addRegion, type Reads, startReads } from './reads.ts';

/** What made the bytes of a tar from `start` to `end`. */
export interface MadeStretch {
  readonly start: number;
  readonly end: number;
  /** What it took of each stream, in the units of its meter. */
  readonly costs: readonly number[];
  /** Of a region: where in the tar it differs from the base, ascending. */
  readonly differences: readonly number[];
  readonly op: Op;
  /** What the ops inside read; absent where there are none. */
  readonly inner?: Reads;
}

/** `meters` are those of the streams, by number. */
export function opLog(
  meters: readonly CostMeter[],
  base: BaseFiles,
  onStretch: (stretch: MadeStretch) => void,
): ProgramTrace {
  let top: Op | undefined;
  let inner: Reads | undefined;
  let before: readonly number[] = meters.map(() => 0);
  /** Bytes of all regions so far, those of `top` and inside of it included. */
  let run = 0;
  let places: number[] = [];
  return {
    onView: (view) => base.addView(view),
    onPlain: (stream, bytes) => meters[stream]?.add(bytes),
    onOp(op) {
      const isTop = top === undefined;
      top ??= op;
      if (!isTop || hasInside(op)) inner ??= startReads();
      if (inner !== undefined) addInside(inner, base, op);
      if (op.code === OP_REGION) run += op.length;
    },
    onDifference(place) {
      if (top?.code === OP_REGION) places.push(place);
    },
    onMade(start, end, readers) {
      const after = readers.map(({ takenBytes }, stream) => meters[stream]!.upTo(takenBytes));
      const op = top!;
      const regionStart = run - op.length;
      onStretch({
        // What a header op makes before the header is padding, which is free.
        start: op.code === OP_HEADER ? Math.max(start, end - HEADER_BYTES) : start,
        end,
        costs: after.map((cost, stream) => cost - before[stream]!),
        differences: places.map((place) => start + place - regionStart),
        op,
        ...(inner === undefined ? {} : { inner }),
      });
      before = after;
      places = [];
      top = undefined;
      inner = undefined;
    },
  };
}

function hasInside({ code }: Op): boolean {
  return code === OP_PART || code === OP_EXECUTABLE;
}

function addInside(reads: Reads, base: BaseFiles, op: Op): void {
  if (op.code === OP_PART) reads.isOpened = true;
  else if (op.code === OP_EXECUTABLE) reads.predicted ??= { from: base.find(op.source) };
  else if (op.code === OP_REGION) addRegion(reads, base, op.source, op.length);
  else if (op.code === OP_BINARY || op.code === OP_TEXT) reads.newBytes += op.length;
}
