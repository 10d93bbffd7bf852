/** Entries of a stream put into a scratch file: appended and hashed, unpacked, dropped again from the end. */
import { type RandomAccess, sliceAccess } from '../../bytes/access.ts';
import { type Digest, startDigest } from '../../bytes/digest.ts';
import type { TempFile } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import { decodeBlob } from '../../image/decode-blob.ts';
import { compressionOf } from '../../image/media-types.ts';
import { MAX_LAYER_TAR_BYTES } from '../layer-content.ts';

/** As many bytes as tell how an entry is compressed. */
const PEEK_BYTES = 4;

/** What was put into a scratch file: its place there, and its digest. */
export interface Appended {
  readonly digest: Digest;
  readonly content: RandomAccess;
}

/** Appends and hashes; what a failure leaves half there is dropped again. */
export async function appendTo(
  file: TempFile,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Appended> {
  const from = file.sizeBytes;
  const digest = startDigest();
  try {
    for await (const piece of pieces) {
      digest.update(piece);
      file.append(piece);
    }
  } catch (error) {
    file.truncate(from);
    throw error;
  }
  return { digest: digest.finish(), content: sliceAccess(file, from, digest.sizeBytes) };
}

/** Drops what was appended last. */
export function dropLast(file: TempFile, content: RandomAccess): void {
  file.truncate(file.sizeBytes - content.sizeBytes);
}

/** Unpacks a blob to the end of `file`. Throws CORRUPT_INPUT, or LIMIT for what would fill the disk. */
export async function unpackTo(
  file: TempFile,
  blob: Appended,
  signal: AbortSignal | undefined,
): Promise<Appended> {
  const start = new Uint8Array(Math.min(PEEK_BYTES, blob.content.sizeBytes));
  blob.content.readAt(0, start);
  const what = `blob ${blob.digest} of the engine`;
  return await appendTo(
    file,
    limited(decodeBlob(blob.content, compressionOf(start), what, signal), blob.digest),
  );
}

async function* limited(pieces: AsyncIterable<Uint8Array>, blob: Digest): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.length;
    if (sizeBytes > MAX_LAYER_TAR_BYTES) {
      throw new DidiffError(
        'LIMIT',
        `blob ${blob} of the engine unpacks to more than ${MAX_LAYER_TAR_BYTES} bytes`,
      );
    }
    yield piece;
  }
}

/** The first bytes of an entry, or all of a shorter one. */
export async function peek(pieces: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = new Uint8Array(0);
  while (start.length < PEEK_BYTES) {
    const step = await pieces.next();
    if (step.done) break;
    start = Buffer.concat([start, step.value]);
  }
  return start;
}

/** The rest of an entry behind `start`, in memory: for sizes that were checked only. */
export async function gather(
  start: Uint8Array,
  pieces: AsyncIterator<Uint8Array>,
  sizeBytes: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let done = 0;
  for await (const piece of withStart(start, pieces)) {
    bytes.set(piece, done);
    done += piece.length;
  }
  return bytes;
}

/** An entry from its start again. */
export async function* withStart(
  start: Uint8Array,
  pieces: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (start.length > 0) yield start;
  for (let step = await pieces.next(); !step.done; step = await pieces.next()) yield step.value;
}
