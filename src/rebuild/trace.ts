/**
 * What a program tells of itself while it runs, for who wants to know where the bytes of a patch go. Nothing is told,
 * and nothing costs anything, unless somebody asked.
 */
import type { StreamDecoder } from '../codec/stream-decoder.ts';
import type { View } from '../nested/views.ts';
import type { Op, OpReader, Soon } from './ops.ts';
import type { PlainReader } from './plain-reader.ts';

export interface ProgramTrace {
  readonly onView: (view: View) => void;
  /** The next plain bytes of a stream, before any of them is used; valid during the call. */
  readonly onPlain: (stream: number, bytes: Uint8Array) => void;
  /** Each op when it is read, but marks; those that make an executable or a part come behind it. */
  readonly onOp: (op: Op) => void;
  /** A byte that differs from the base, by its place in the run of all regions. */
  readonly onDifference: (place: number) => void;
  /**
   * An op of the layer itself is done, with all that made it and the marks before it: the tar's bytes from `start` to
   * `end` are there. `readers` are those of the delta's streams, by number, and have read what it took.
   */
  readonly onMade: (start: number, end: number, readers: readonly PlainReader[]) => void;
}

export function tracedDecoder(
  decoder: StreamDecoder,
  stream: number,
  trace: ProgramTrace | undefined,
): StreamDecoder {
  if (trace === undefined) return decoder;
  return {
    async next() {
      const piece = await decoder.next();
      if (piece !== undefined) trace.onPlain(stream, piece);
      return piece;
    },
    close: () => decoder.close(),
  };
}

export function tracedOps(ops: OpReader, trace: ProgramTrace | undefined): OpReader {
  if (trace === undefined) return ops;
  const told = async (reading: Soon<Op>): Promise<Op> => {
    const op = await reading;
    if (op.mark === undefined) trace.onOp(op);
    return op;
  };
  return {
    next: (produced, left, depth) => told(ops.next(produced, left, depth)),
    nextInside: (left) => told(ops.nextInside(left)),
  };
}
