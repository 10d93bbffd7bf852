/**
 * Random access to bytes that may be larger than memory. Reads are synchronous: they go to local files whose pages
 * are mostly cached, and the hot loops that read them can't afford a promise per op.
 */
import { DidiffError } from '../errors.ts';

export interface RandomAccess {
  readonly sizeBytes: number;
  /** Fills `into` from `position` on. Throws a RangeError when that reaches past the end: callers check first. */
  readAt(position: number, into: Uint8Array): void;
  /** Where the bytes stand now, in order, for other threads to read them there; absent where they can't. */
  readonly ranges?: (() => readonly FileRange[]) | undefined;
}

/** A stretch of an open file: all threads of a process have the same files open. */
export interface FileRange {
  readonly fd: number;
  readonly start: number;
  readonly sizeBytes: number;
}

export function bytesAccess(bytes: Uint8Array): RandomAccess {
  return {
    sizeBytes: bytes.length,
    readAt(position, into) {
      assertRange(position, into.length, bytes.length);
      into.set(bytes.subarray(position, position + into.length));
    },
  };
}

/** Several sources as one address space, in the order given. */
export function concatAccess(parts: readonly RandomAccess[]): RandomAccess {
  const starts: number[] = [];
  let sizeBytes = 0;
  for (const part of parts) {
    starts.push(sizeBytes);
    sizeBytes += part.sizeBytes;
  }
  const areFiles = parts.every(({ ranges }) => ranges !== undefined);
  return {
    sizeBytes,
    ranges: areFiles ? () => parts.flatMap(({ ranges }) => ranges!()) : undefined,
    readAt(position, into) {
      assertRange(position, into.length, sizeBytes);
      let index = findPart(starts, position);
      let done = 0;
      while (done < into.length) {
        const part = parts[index]!;
        const inside = position + done - starts[index]!;
        const count = Math.min(into.length - done, part.sizeBytes - inside);
        if (count > 0) part.readAt(inside, into.subarray(done, done + count));
        done += count;
        index++;
      }
    },
  };
}

/** A part of `whole` as a source of its own. */
export function sliceAccess(whole: RandomAccess, start: number, sizeBytes: number): RandomAccess {
  assertRange(start, sizeBytes, whole.sizeBytes);
  const { ranges } = whole;
  return {
    sizeBytes,
    ranges: ranges && (() => cutRanges(ranges(), start, sizeBytes)),
    readAt(position, into) {
      assertRange(position, into.length, sizeBytes);
      whole.readAt(start + position, into);
    },
  };
}

function cutRanges(ranges: readonly FileRange[], start: number, sizeBytes: number): FileRange[] {
  let at = 0;
  return ranges.flatMap((range) => {
    const from = Math.max(start, at);
    const to = Math.min(start + sizeBytes, at + range.sizeBytes);
    const skipped = from - at;
    at += range.sizeBytes;
    return to > from ? [{ fd: range.fd, start: range.start + skipped, sizeBytes: to - from }] : [];
  });
}

/** Reads a range into new memory; `limitBytes` bounds what a claimed length may allocate. */
export function readRange(
  from: RandomAccess,
  position: number,
  length: number,
  limitBytes: number,
): Uint8Array {
  if (length > limitBytes) {
    throw new DidiffError(
      'LIMIT',
      `a part of ${length} bytes is larger than the limit of ${limitBytes} bytes`,
    );
  }
  assertRange(position, length, from.sizeBytes);
  const into = new Uint8Array(length);
  from.readAt(position, into);
  return into;
}

/**
 * Streams the whole of `from` in pieces of at most `buffer.length` bytes, each valid until the next is asked for. Callers
 * that read many small sources hand in a buffer of their own, to be used again.
 */
export function* readPieces(from: RandomAccess, buffer?: Uint8Array): Generator<Uint8Array> {
  const into = buffer ?? new Uint8Array(Math.min(PIECE_BYTES, from.sizeBytes));
  for (let position = 0; position < from.sizeBytes; ) {
    const piece = into.subarray(0, Math.min(into.length, from.sizeBytes - position));
    from.readAt(position, piece);
    yield piece;
    position += piece.length;
  }
}

const PIECE_BYTES = 1 << 18;

function assertRange(position: number, length: number, sizeBytes: number): void {
  if (!(position >= 0 && length >= 0 && position + length <= sizeBytes)) {
    throw new RangeError(`read of ${length} bytes at ${position} is outside of ${sizeBytes} bytes`);
  }
}

function findPart(starts: readonly number[], position: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

const COMPARED_BYTES = 1 << 16;

/** Whether both have the same bytes. */
export function areEqual(a: RandomAccess, b: RandomAccess): boolean {
  if (a.sizeBytes !== b.sizeBytes) return false;
  const pieceBytes = Math.min(COMPARED_BYTES, a.sizeBytes);
  const [left, right] = [Buffer.alloc(pieceBytes), Buffer.alloc(pieceBytes)];
  for (let at = 0; at < a.sizeBytes; at += pieceBytes) {
    const count = Math.min(pieceBytes, a.sizeBytes - at);
    a.readAt(at, left.subarray(0, count));
    b.readAt(at, right.subarray(0, count));
    if (left.compare(right, 0, count, 0, count) !== 0) return false;
  }
  return true;
}
