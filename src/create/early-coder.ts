/**
 * Codes large streams of a layer while they still grow, on another processor than the one that matches. Only where what
 * comes out is what coding them afterwards gives: the quality and window are those of every size the stream may reach,
 * else what was begun is dropped.
 */
import type { BrotliCompress } from 'node:zlib';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import {
  type BrotliSettings,
  brotliSettings,
  endsBlock,
  flushBlock,
  MAX_WINDOW_BITS,
  startBrotli,
} from '../codec/stream-encoder.ts';
import type { Effort } from './effort.ts';
import type { Spool } from './spool.ts';

/** Given to the coder at once. */
const STEP_BYTES = 1 << 18;
/** Streams that are larger have the largest window. */
const WINDOWED_BYTES = 2 ** (MAX_WINDOW_BITS - 1);

/** What a coder takes, in windows. */
const WINDOWS_PER_CODER = 10;

export interface EarlyCoders {
  /** What the coders at work take, about, when they have taken much. */
  readonly takenBytes: number;
  /** To be called when `spool` may have grown. */
  feed(spool: Spool): void;
  /** Takes what was coded of `spool`, which grows no more, to its end; undefined when it was not begun. The file is the caller's. */
  take(spool: Spool): Promise<TempFile> | undefined;
  close(): void;
}

/** `onBegin` is told when something is begun to be coded. */
export function openEarlyCoders(
  { brotli, recalledTextBytes }: Effort,
  tempDirectory: string,
  onBegin: () => void = () => {},
): EarlyCoders {
  const coders = new Map<Spool, EarlyCoder>();
  /** Those that were taken, and aren't through. */
  let ending = 0;
  const drop = (spool: Spool) => {
    coders.get(spool)?.close();
    coders.delete(spool);
  };
  /**
   * The next quality begins past these sizes: a stream just below is not begun with the one before; nor is text that
   * another coder may get.
   */
  const begins = Math.max(
    WINDOWED_BYTES,
    Number.isSafeInteger(2 * brotli.best) ? brotli.best : 0,
    recalledTextBytes,
  );
  return {
    get takenBytes() {
      return (coders.size + ending) * WINDOWS_PER_CODER * 2 ** MAX_WINDOW_BITS;
    },
    feed(spool) {
      if (spool.sizeBytes <= begins) return;
      const settings = brotliSettings(spool.sizeBytes, brotli);
      const coder = coders.get(spool);
      if (coder === undefined && settings.quality >= 10 && spool.sizeBytes < 2 * begins + STEP_BYTES) {
        coders.set(spool, startEarlyCoder(spool, settings, tempDirectory));
        onBegin();
      }
      if (coder !== undefined && coder.quality !== settings.quality) drop(spool);
      else coder?.feed();
    },
    take(spool) {
      const coder = coders.get(spool);
      if (coder === undefined) return undefined;
      if (coder.quality !== brotliSettings(spool.sizeBytes, brotli).quality) {
        drop(spool);
        return undefined;
      }
      coders.delete(spool);
      ending++;
      return coder.finish().finally(() => {
        ending--;
      });
    },
    close() {
      for (const spool of [...coders.keys()]) drop(spool);
    },
  };
}

interface EarlyCoder {
  readonly quality: number;
  feed(): void;
  finish(): Promise<TempFile>;
  close(): void;
}

function startEarlyCoder(spool: Spool, settings: BrotliSettings, tempDirectory: string): EarlyCoder {
  const encoder: BrotliCompress = startBrotli(settings, spool.sizeBytes);
  const file = openTempFile(tempDirectory);
  /** Filled again once the coder has taken what is in it. */
  const buffer = new Uint8Array(STEP_BYTES);
  let fedBytes = 0;
  let busy = false;
  let finishing = false;
  encoder.on('data', (piece: Uint8Array) => file.append(piece));
  const ended = new Promise<void>((resolve, reject) => {
    encoder.once('end', resolve);
    encoder.once('error', reject);
  });
  // Told by `finish`, if anybody asks.
  ended.catch(() => {});
  const feed = () => {
    const ready = spool.sizeBytes - fedBytes;
    if (busy || encoder.destroyed || (ready < STEP_BYTES && !finishing)) return;
    if (ready === 0) {
      encoder.end();
      return;
    }
    busy = true;
    const piece = buffer.subarray(0, Math.min(STEP_BYTES, ready));
    spool.content().readAt(fedBytes, piece);
    fedBytes += piece.length;
    encoder.write(piece, async () => {
      if (endsBlock(fedBytes)) await flushBlock(encoder);
      busy = false;
      feed();
    });
  };
  feed();
  return {
    quality: settings.quality,
    feed,
    async finish() {
      finishing = true;
      feed();
      try {
        await ended;
      } catch (error) {
        file.close();
        throw error;
      }
      return file;
    },
    close() {
      encoder.destroy();
      file.close();
    },
  };
}
