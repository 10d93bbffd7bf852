/** Codes one stream of a patch. The same bytes give the same coded bytes with the same version of Node's brotli. */
import { type BrotliCompress, constants, createBrotliCompress } from 'node:zlib';
import { type RandomAccess, readPieces } from '../bytes/access.ts';

/** How one stream is coded. */
export interface BrotliSettings {
  /** Brotli quality, 0–11. */
  readonly quality: number;
  /** The window is no larger than 2^windowBits bytes; the reader needs as much memory. */
  readonly windowBits: number;
}

/**
 * Which quality streams get by their size in bytes: up to `best` 11, up to `good` 10, else `rest`. The best takes 2 s per
 * MB, the next half as much, so that without limits a large stream would take unbearably long.
 */
export interface BrotliLimits {
  readonly best: number;
  readonly good: number;
  readonly rest: number;
  /** No window is larger than 2^maxWindowBits bytes; MAX_WINDOW_BITS unless there is less memory. */
  readonly maxWindowBits?: number;
}

/** The largest window any stream gets: the reader holds one per open stream, and coding takes ten times as much. */
export const MAX_WINDOW_BITS = 23;

/** The window a stream of this size needs: no larger than the stream. */
export function windowBitsFor(sizeBytes: number, maxWindowBits = MAX_WINDOW_BITS): number {
  return Math.min(
    maxWindowBits,
    Math.max(constants.BROTLI_MIN_WINDOW_BITS, 32 - Math.clz32(Math.max(1, sizeBytes - 1))),
  );
}

/** How a stream of `sizeBytes` is coded. */
export function brotliSettings(
  sizeBytes: number,
  { best, good, rest, maxWindowBits }: BrotliLimits,
): BrotliSettings {
  const quality = sizeBytes <= best ? 11 : sizeBytes <= good ? 10 : rest;
  return { quality, windowBits: windowBitsFor(sizeBytes, maxWindowBits) };
}

/** Brotli gives its output in pieces of this size. */
const CODED_PIECE_BYTES = 1 << 16;

/** A coder to write to. `sizeBytes` is a hint, which changes nothing that the two best qualities give. */
export function startBrotli({ quality, windowBits }: BrotliSettings, sizeBytes: number): BrotliCompress {
  return createBrotliCompress({
    chunkSize: CODED_PIECE_BYTES,
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: windowBits,
      // The encoder gathers its input in blocks; small ones save 20 MB, and cost 2 bytes in 10,000.
      [constants.BROTLI_PARAM_LGBLOCK]: constants.BROTLI_MIN_INPUT_BLOCK_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: quality < 10 ? sizeBytes : 0,
    },
  });
}

/** All that is coded between two flushes is held by the coder, at some times its size. */
const FLUSHED_BYTES = 3 << 19;

/** Whether a coder that was given so many bytes is to be flushed now. Every piece ends where this holds, or before. */
export function endsBlock(fedBytes: number): boolean {
  return fedBytes % FLUSHED_BYTES === 0;
}

/** Has the coder give all that it holds. */
export function flushBlock(encoder: BrotliCompress): Promise<void> {
  return new Promise((resolve) => encoder.flush(constants.BROTLI_OPERATION_FLUSH, resolve));
}

/**
 * Codes all of `plain` with brotli (RFC 7932). The pieces are the caller's to keep. `onCoded` is told how many plain bytes
 * each step took.
 */
export async function* encodeBrotli(
  plain: RandomAccess,
  settings: BrotliSettings,
  signal: AbortSignal | undefined,
  onCoded: (plainBytes: number) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const encoder = startBrotli(settings, plain.sizeBytes);
  let fedBytes = 0;
  const writing = (async () => {
    for (const piece of readPieces(plain)) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        encoder.write(piece, (error) => (error ? reject(error) : resolve()));
      });
      fedBytes += piece.length;
      if (endsBlock(fedBytes)) await flushBlock(encoder);
      onCoded(piece.length);
    }
    encoder.end();
  })();
  writing.catch((error: Error) => encoder.destroy(error));
  try {
    for await (const piece of encoder) yield piece as Uint8Array;
    await writing;
  } finally {
    encoder.destroy();
  }
}
