/** What a patch holds to make one blob of the target exact, as coded streams. */
import { bytesAccess, concatAccess, sliceAccess } from '../bytes/access.ts';
import { shareMixer } from '../codec/mix-decoder.ts';
import {
  BLOB_CHUNK_BYTES,
  STREAM_BLOB,
  STREAM_CHUNK_BYTES,
  STREAM_COPIES,
  STREAM_RECIPE,
} from '../patch/format.ts';
import { writeCopies } from './blob-copies.ts';
import { type CodedStream, type CodeOptions, codeStream, storedStream } from './entropy.ts';
import type { BlobPlan } from './plan-blob.ts';
import { openSpool } from './spool.ts';

/** `tarBytes` are the layer's. The blob's bytes remain the caller's, the streams are its to close. */
export async function codeBlob(
  blob: BlobPlan,
  tarBytes: number,
  toPatchAddress: (address: number) => number,
  options: CodeOptions,
): Promise<CodedStream[]> {
  switch (blob.source) {
    case 'recipe':
      return [storedStream(STREAM_RECIPE, bytesAccess(blob.recipe!), () => 0, STREAM_CHUNK_BYTES)];
    case 'carried':
      return [storedStream(STREAM_BLOB, blob.content!, (position) => position, BLOB_CHUNK_BYTES)];
    case 'copies':
      return await codeCopies(blob, tarBytes, toPatchAddress, options);
    default:
      return [];
  }
}

/** Readers make either the tar or the blob: what the blob takes comes behind what the tar takes. */
async function codeCopies(
  { content, copies }: BlobPlan,
  tarBytes: number,
  toPatchAddress: (address: number) => number,
  options: CodeOptions,
): Promise<CodedStream[]> {
  const spool = openSpool(options.tempDirectory);
  const parts: { readonly start: number; readonly length: number; readonly before: number }[] = [];
  let literalBytes = 0;
  try {
    writeCopies(
      copies!,
      content!.sizeBytes,
      toPatchAddress,
      (value, at) => spool.appendNumber(value, tarBytes + at),
      (start, length) => {
        parts.push({ start, length, before: literalBytes });
        literalBytes += length;
      },
    );
    const numbers = await codeStream(STREAM_COPIES, spool, options, shareMixer());
    const close = () => {
      numbers.close();
      spool.close();
    };
    const coded = [{ ...numbers, close }];
    if (literalBytes === 0) return coded;
    const literals = concatAccess(parts.map(({ start, length }) => sliceAccess(content!, start, length)));
    const neededAt = (position: number) => {
      const part = parts.findLast(({ before }) => before <= position)!;
      return tarBytes + part.start + position - part.before;
    };
    return [...coded, storedStream(STREAM_BLOB, literals, neededAt, STREAM_CHUNK_BYTES)];
  } catch (error) {
    spool.close();
    throw error;
  }
}
