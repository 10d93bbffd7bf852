/**
 * Streams what a compressed blob holds. Guards that a blob is used whole: several gzip members or zstd frames count
 * as one stream, zero padding after gzip is let through, anything else behind it is damage.
 */
import { setImmediate } from 'node:timers/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import type { RandomAccess } from '../bytes/access.ts';
import { releaseMemory } from '../bytes/release.ts';
import { corrupt, DidiffError, toDidiffError } from '../errors.ts';
import type { Compression } from './media-types.ts';

const PIECE_BYTES = 1 << 16;
/** Synchronous work lets the event loop in after so many bytes, so that an abort is heard. */
const BREATH_BYTES = 8 << 20;

/**
 * The decompressed bytes of `blob`, in pieces valid until the next is asked for. `what` names it in errors.
 * `onRead` is given each stored piece in order, all of them once the stream has ended. Throws CORRUPT_INPUT.
 */
export async function* decodeBlob(
  blob: RandomAccess,
  compression: Compression,
  what: string,
  signal?: AbortSignal,
  onRead: (piece: Uint8Array) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const source = openSource(blob, onRead);
  try {
    if (compression === 'gzip') yield* decodeGzip(source, what, signal);
    else if (compression === 'zstd') yield* decodeZstd(source, signal);
    else yield* copyPlain(source, signal);
    while (source.next() !== undefined) signal?.throwIfAborted();
  } catch (error) {
    throw describeFailure(error, compression, what);
  }
}

interface Source {
  readonly blob: RandomAccess;
  /** The next piece, in memory that is used again for the one after it; undefined at the end. */
  next(): Uint8Array | undefined;
}

function openSource(blob: RandomAccess, onRead: (piece: Uint8Array) => void): Source {
  let position = 0;
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, blob.sizeBytes));
  return {
    blob,
    next() {
      if (position >= blob.sizeBytes) return undefined;
      const piece = buffer.subarray(0, Math.min(PIECE_BYTES, blob.sizeBytes - position));
      blob.readAt(position, piece);
      position += piece.length;
      onRead(piece);
      return piece;
    },
  };
}

async function* copyPlain(source: Source, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  let untilBreath = BREATH_BYTES;
  for (let piece = source.next(); piece !== undefined; piece = source.next()) {
    signal?.throwIfAborted();
    yield piece;
    untilBreath -= piece.length;
    if (untilBreath > 0) continue;
    await setImmediate();
    untilBreath = BREATH_BYTES;
  }
}

async function* decodeGzip(
  source: Source,
  what: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip({ chunkSize: 4 * PIECE_BYTES });
  yield* runTransform(source, unzip, signal);
  assertZeros(source.blob, unzip.bytesWritten, what);
}

/** Feeds `transform` from `source` and yields what comes out; ends when the stream does. */
async function* runTransform(
  source: Source,
  transform: Gunzip,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let ended = false;
  const feed = () => {
    if (ended) return;
    try {
      const piece = source.next();
      if (piece === undefined) {
        ended = true;
        transform.end();
      } else {
        // Only when it has taken a piece in can the memory be used for the next one.
        transform.write(piece, (error) => error ?? feed());
      }
    } catch (error) {
      transform.destroy(error as Error);
    }
  };
  feed();
  try {
    for await (const piece of transform) {
      signal?.throwIfAborted();
      yield piece as Uint8Array;
      // Nothing else is left in its memory, which would stay until the next collection: tens of megabytes in between.
      if (piece.byteOffset + piece.length === piece.buffer.byteLength && piece.length > PIECE_BYTES)
        releaseMemory([piece]);
    }
  } finally {
    ended = true;
    transform.destroy();
  }
}

/**
 * The decoder compiled to WebAssembly, on every version of node: the one in node's own zlib (22.15) ends without an
 * error after the first frame and at a cut, and takes half the time. Windows above 128 MiB are refused, which bounds
 * the memory.
 */
async function* decodeZstd(source: Source, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  const decoder = new ZSTDDecoder();
  await decoder.init();
  let untilBreath = BREATH_BYTES;
  let idle = 0;
  for (const piece of decoder.decodeStreaming(piecesOf(source))) {
    signal?.throwIfAborted();
    // The decoder asks again for ever when the data is damaged. A piece of input holds no more empty frames (8 bytes
    // at least) than this.
    idle = piece.length > 0 ? 0 : idle + 1;
    if (idle > PIECE_BYTES) throw corrupt('the data is damaged, or needs a window of more than 128 MiB');
    if (piece.length > 0) yield piece;
    untilBreath -= piece.length;
    if (untilBreath > 0) continue;
    await setImmediate();
    untilBreath = BREATH_BYTES;
  }
}

function* piecesOf(source: Source): Generator<Uint8Array> {
  for (let piece = source.next(); piece !== undefined; piece = source.next()) yield piece;
}

/** Padding with zeros, as tape blocks have it, is no damage; every other byte behind the last member is. */
function assertZeros(blob: RandomAccess, from: number, what: string): void {
  const buffer = new Uint8Array(PIECE_BYTES);
  for (let position = from; position < blob.sizeBytes; position += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, blob.sizeBytes - position));
    blob.readAt(position, piece);
    if (piece.some((byte) => byte !== 0)) {
      throw corrupt(
        `${what} has ${blob.sizeBytes - from} bytes behind its last gzip member that are not zeros`,
      );
    }
  }
}

function describeFailure(error: unknown, compression: Compression, what: string): DidiffError {
  if (error instanceof DidiffError) {
    const isTold = error.code !== 'CORRUPT_INPUT' || error.message.startsWith(what);
    return isTold ? error : corrupt(`${what} can't be decompressed: ${error.message}`);
  }
  const { code = '', name, message } = error as NodeJS.ErrnoException;
  const isDecoders = /^Z_/.test(String(code)) || message === 'Incomplete stream, more data expected.';
  if (isDecoders)
    return corrupt(`${what} can't be decompressed (${compression}): ${message}`, { cause: error });
  if (name === 'RangeError') return corrupt(`${what} is cut short: ${message}`, { cause: error });
  return toDidiffError(error);
}
