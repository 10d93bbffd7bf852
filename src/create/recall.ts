/** Codes a stream of new bytes with the recalling coder, where that is smaller, and not too slow. */
import { setImmediate } from 'node:timers/promises';
import type { RandomAccess } from '../bytes/access.ts';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import { encodeRecall, recallWindowBits } from '../codec/recall-stream.ts';
import { MAX_RECALL_BYTES } from '../kernels/recall.ts';
import { MOST_RECALL_CODED_BYTES } from '../kernels/recall-tables.ts';
import { STREAM_BINARY, STREAM_TEXT } from '../patch/format.ts';

/** Streams of new bytes, in which what comes was often there before. */
const TRIED: readonly number[] = [STREAM_TEXT, STREAM_BINARY];
/** Shorter streams are left to the mixing coder. */
const LEAST_BYTES = 1 << 20;
/** Readers decode some megabytes a second of it: it has to save a part of what the other coder takes. */
const LEAST_SAVING = 1 / 32;
/** What a coder leaves more of is noise. */
const MOST_LEFT = 7 / 8;
/** Other work gets its turn after so many plain bytes. */
const TURN_BYTES = 1 << 18;
/** A decoder has taken so many bytes before it makes the first one. */
const AHEAD_BYTES = 4 + MOST_RECALL_CODED_BYTES;

export interface RecalledStream {
  readonly windowBits: number;
  /** The caller's to close. */
  readonly coded: TempFile;
  /** What of the plain bytes is there when the coded byte at `position` is needed; it may be more, but never less. */
  plainBefore(position: number): number;
}

export interface RecallOptions {
  /** The longest stream that it is tried on. */
  readonly mostBytes: number;
  /** What the stream takes without; absent for text, which it codes smaller than others do: that isn't found out. */
  readonly otherBytes?: number;
  readonly tempDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

/** Undefined when it is not worth it. */
export async function recallStream(
  stream: number,
  plain: RandomAccess,
  { mostBytes, otherBytes, tempDirectory, signal }: RecallOptions,
): Promise<RecalledStream | undefined> {
  const isLong = plain.sizeBytes > Math.min(mostBytes, MAX_RECALL_BYTES);
  const tried = otherBytes === undefined ? [STREAM_TEXT] : TRIED;
  // Noise: there is nothing to recall, and bytes that nothing gives take longest.
  const isNoise = otherBytes !== undefined && otherBytes > plain.sizeBytes * MOST_LEFT;
  if (isLong || isNoise || plain.sizeBytes < LEAST_BYTES || !tried.includes(stream)) return undefined;
  const windowBits = recallWindowBits(plain.sizeBytes);
  const most =
    otherBytes === undefined ? plain.sizeBytes * MOST_LEFT : otherBytes - otherBytes * LEAST_SAVING;
  const coded = openTempFile(tempDirectory);
  /** By step: plain and coded bytes behind it. */
  const steps: { readonly plainBytes: number; readonly codedBytes: number }[] = [];
  let turnAt = TURN_BYTES;
  try {
    for (const piece of encodeRecall(plain, windowBits)) {
      coded.append(piece.coded);
      steps.push({ plainBytes: piece.plainBytes, codedBytes: coded.sizeBytes });
      const hasNoise = piece.plainBytes >= LEAST_BYTES && coded.sizeBytes > piece.plainBytes * MOST_LEFT;
      if (coded.sizeBytes > most || hasNoise) {
        coded.close();
        return undefined;
      }
      if (piece.plainBytes < turnAt) continue;
      turnAt = piece.plainBytes + TURN_BYTES;
      await setImmediate();
      signal?.throwIfAborted();
    }
  } catch (error) {
    coded.close();
    throw error;
  }
  const plainBefore = (position: number): number =>
    steps.findLast(({ codedBytes }) => codedBytes + AHEAD_BYTES <= position)?.plainBytes ?? 0;
  return { windowBits, coded, plainBefore };
}
