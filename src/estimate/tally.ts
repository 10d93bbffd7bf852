/** Counts what a file adds to a layer's program, so that coded bytes can be divided among files. */
import type { Program, ProgramWriter } from '../create/program.ts';
import {
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
  STREAM_TEXT,
} from '../patch/format.ts';

export interface Tally {
  ops: number;
  text: number;
  binary: number;
}

/** A file, and what it added. */
interface Tallied {
  readonly tally: Tally;
}

/** Writes to `writer`, and counts ops and new bytes, about: regions that are joined count as they are given. */
export function tallying(writer: ProgramWriter, tally: Tally): ProgramWriter {
  return {
    ...writer,
    get produced() {
      return writer.produced;
    },
    text: writer.text,
    region(address, bytes) {
      tally.ops++;
      writer.region(address, bytes);
    },
    sameRegion(address, length) {
      tally.ops++;
      writer.sameRegion(address, length);
    },
    literal(bytes, kind) {
      tally.ops++;
      tally[kind] += bytes.length;
      writer.literal(bytes, kind);
    },
    executable(content, plan) {
      tally.ops += 2 * plan.matches.length + 1;
      tally.binary += content.sizeBytes - plan.residual.coveredBytes;
      writer.executable(content, plan);
    },
  };
}

/** What of the coded bytes of each stream goes to each of the files, by what it counted. */
export function divide(
  { streams, sources }: Program,
  coded: readonly number[],
  files: readonly Tallied[],
): readonly number[] {
  const all = files.reduce((sum, { tally }) => sum + tally.ops, 0);
  const ofOps = [STREAM_OPS, STREAM_SEEKS, STREAM_GAPS, STREAM_DIFFS, STREAM_REPEATS];
  const perOp = ofOps.reduce((sum, stream) => sum + coded[stream]!, 0) / Math.max(1, all, sources.count);
  const perByte = (stream: number) => coded[stream]! / Math.max(1, streams[stream]!.sizeBytes);
  // Repeats are counted as new: no more than all of it is given away.
  const text = Math.min(perByte(STREAM_TEXT), coded[STREAM_TEXT]! / Math.max(1, total(files, 'text')));
  const binary = Math.min(
    perByte(STREAM_BINARY),
    coded[STREAM_BINARY]! / Math.max(1, total(files, 'binary')),
  );
  return files.map(({ tally }) => tally.ops * perOp + tally.text * text + tally.binary * binary);
}

function total(files: readonly Tallied[], what: 'text' | 'binary'): number {
  return files.reduce((sum, { tally }) => sum + tally[what], 0);
}
