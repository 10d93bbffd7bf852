/** Codes one stream of a patch. The same bytes give the same coded bytes with the same version of Node's brotli. */
import { constants, createBrotliCompress } from 'node:zlib';
import { type RandomAccess, readPieces } from '../bytes/access.ts';

/** How hard to try. */
export interface Effort {
  /** Brotli quality, 0–11. */
  readonly quality: number;
  /** The window is no larger than 2^windowBits bytes; the reader needs as much memory. */
  readonly windowBits: number;
}

/** Brotli's best quality takes 2 s per MB; past these sizes the next lower one is used, so that time stays linear and bearable. */
const BEST_QUALITY_LIMIT_BYTES = 4 << 20;
const GOOD_QUALITY_LIMIT_BYTES = 64 << 20;

/** The largest window any stream gets: the reader holds one per open stream, and coding takes ten times as much. */
export const MAX_WINDOW_BITS = 22;

/** The window a stream of this size needs: no larger than the stream. */
export function windowBitsFor(sizeBytes: number): number {
  return Math.min(
    MAX_WINDOW_BITS,
    Math.max(constants.BROTLI_MIN_WINDOW_BITS, 32 - Math.clz32(Math.max(1, sizeBytes - 1))),
  );
}

/** The default: the smallest output that a release engineer waits for. */
export function defaultEffort(sizeBytes: number): Effort {
  const quality = sizeBytes <= BEST_QUALITY_LIMIT_BYTES ? 11 : sizeBytes <= GOOD_QUALITY_LIMIT_BYTES ? 10 : 9;
  return { quality, windowBits: windowBitsFor(sizeBytes) };
}

/**
 * Codes all of `plain` with brotli (RFC 7932). The pieces are the caller's to keep. `onCoded` is told how many plain bytes
 * each step took.
 */
export async function* encodeBrotli(
  plain: RandomAccess,
  effort: Effort,
  signal: AbortSignal | undefined,
  onCoded: (plainBytes: number) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const encoder = createBrotliCompress({
    params: {
      [constants.BROTLI_PARAM_QUALITY]: effort.quality,
      [constants.BROTLI_PARAM_LGWIN]: effort.windowBits,
      // The encoder gathers its input in blocks; small ones save 20 MB, and cost 2 bytes in 10,000.
      [constants.BROTLI_PARAM_LGBLOCK]: constants.BROTLI_MIN_INPUT_BLOCK_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.sizeBytes,
    },
  });
  const writing = (async () => {
    for (const piece of readPieces(plain)) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        encoder.write(piece, (error) => (error ? reject(error) : resolve()));
      });
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
