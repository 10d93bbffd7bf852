/**
 * Streams of the recalling coder (docs/coder.md): coded and decoded piece by piece, in memory that the window bounds.
 * Guards that a stream uses its coded bytes to the last one.
 */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { corrupt } from '../errors.ts';
import {
  MAX_RECALL_WINDOW_BITS,
  MIN_RECALL_WINDOW_BITS,
  startRecallDecoder,
  startRecallEncoder,
} from '../kernels/recall.ts';
import { MOST_HELD_BYTES, MOST_RECALL_CODED_BYTES } from '../kernels/recall-tables.ts';

type PullPiece = () => Promise<Uint8Array | undefined>;

/** The window for a stream of so many bytes: no larger than the stream needs. */
export function recallWindowBits(plainBytes: number): number {
  const needed = 32 - Math.clz32(Math.max(1, plainBytes - 1));
  return Math.min(MAX_RECALL_WINDOW_BITS, Math.max(MIN_RECALL_WINDOW_BITS, needed));
}

/** Plain bytes that are made at once, at most. */
const OUTPUT_BYTES = 1 << 15;
/** How many bytes past its end a whole stream takes. */
const PAST_END_BYTES = 3;

/** `what` names the stream in errors. Throws CORRUPT_INPUT. */
export function openRecallDecoder(
  plainBytes: number,
  windowBits: number,
  pull: PullPiece,
  what: string,
): { next: PullPiece; close(): void } {
  let decoder: ReturnType<typeof startRecallDecoder> | undefined;
  let coded: Uint8Array = new Uint8Array(0);
  let isLast = false;
  let left = plainBytes;
  const refill = async () => {
    const piece = await pull();
    if (piece === undefined) isLast = true;
    else coded = Buffer.concat([coded, piece]);
  };
  return {
    async next() {
      decoder ??= startRecallDecoder(windowBits);
      while (left > 0) {
        while (coded.length < MOST_RECALL_CODED_BYTES && !isLast) await refill();
        const { plain, usedBytes } = decoder.decode(coded, isLast, Math.min(left, OUTPUT_BYTES));
        coded = coded.subarray(usedBytes);
        if (decoder.missingBytes > PAST_END_BYTES) throw corrupt(`${what} is damaged: it is cut short`);
        left -= plain.length;
        if (plain.length > 0) return plain;
      }
      if (!isLast) await refill();
      if (coded.length > 0 || !isLast || decoder.missingBytes < PAST_END_BYTES)
        throw corrupt(`${what} goes on after its end`);
      return undefined;
    },
    close() {},
  };
}

/** What one step of coding gives. */
export interface RecalledPiece {
  readonly coded: Uint8Array;
  /** Plain bytes that were coded so far, at least. */
  readonly plainBytes: number;
}

/** Plain bytes between two steps: how closely it is known what a coded byte is needed for. */
const STEP_BYTES = 1 << 12;

/** Codes all of `plain`, step by step; the pieces are the caller's to keep. */
export function* encodeRecall(plain: RandomAccess, windowBits: number): Generator<RecalledPiece> {
  const encoder = startRecallEncoder(windowBits);
  let plainBytes = 0;
  for (const piece of readPieces(plain, new Uint8Array(STEP_BYTES))) {
    plainBytes += piece.length;
    yield { coded: encoder.encode(piece), plainBytes: Math.max(0, plainBytes - MOST_HELD_BYTES) };
  }
  yield { coded: encoder.finish(), plainBytes };
}
