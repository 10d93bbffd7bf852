/** The bytes of a patch by what they are for. Guards that they add up to its size: the rest is never guessed. */
import { STREAM_BLOB, STREAM_COPIES, STREAM_RECIPE } from '../../patch/format.ts';
import type { PatchHeader } from '../../patch/header.ts';
import type { InspectedFile, PatchShares } from './model.ts';

const BLOB_STREAMS: readonly number[] = [STREAM_BLOB, STREAM_RECIPE, STREAM_COPIES];

export function sumShares(
  header: PatchHeader,
  patchBytes: number,
  entries: readonly InspectedFile[],
): PatchShares {
  let ofTars = 0;
  let blobs = 0;
  for (const { tar, streams } of header.target.layers) {
    for (const { stream, codedBytes } of streams) {
      // A carried blob that the tar is unpacked from is divided among the files of the tar.
      if (tar.kind !== 'blob' && BLOB_STREAMS.includes(stream)) blobs += codedBytes;
      else ofTars += codedBytes;
    }
  }
  const ofEntries = entries.reduce((sum, entry) => sum + entry.patchBytes, 0);
  const tarHeaders = entries.reduce((sum, { headerBytes }) => sum + headerBytes, 0);
  return {
    contents: ofEntries - tarHeaders,
    tarHeaders,
    otherTar: ofTars - ofEntries,
    blobs,
    overhead: patchBytes - ofTars - blobs,
  };
}
