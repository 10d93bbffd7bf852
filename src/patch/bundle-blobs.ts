/** The blobs that a bundle carries, each held against its digest as they stream by. */
import { type Digest, startDigest } from '../bytes/digest.ts';
import { corrupt } from '../errors.ts';
import type { Bundle } from './bundle.ts';

/** `onPiece` is told of every piece before its blob is proved. Throws CORRUPT_INPUT at the end of the first that is wrong. */
export async function proveBlobs(
  { header, readBlobs }: Pick<Bundle, 'header' | 'readBlobs'>,
  onPiece: (digest: Digest, piece: Uint8Array) => void,
  signal?: AbortSignal,
): Promise<void> {
  let at = 0;
  let running = startDigest();
  const endWhole = () => {
    for (; at < header.blobs.length && running.sizeBytes === header.blobs[at]!.sizeBytes; at++) {
      const { digest } = header.blobs[at]!;
      if (running.finish() !== digest)
        throw corrupt(`the blob ${digest} in the bundle does not have its digest`);
      running = startDigest();
    }
  };
  endWhole();
  for await (const piece of readBlobs()) {
    signal?.throwIfAborted();
    for (let done = 0; done < piece.length; ) {
      const { digest, sizeBytes } = header.blobs[at]!;
      const own = piece.subarray(done, done + sizeBytes - running.sizeBytes);
      onPiece(digest, own);
      running.update(own);
      done += own.length;
      endWhole();
    }
  }
}
