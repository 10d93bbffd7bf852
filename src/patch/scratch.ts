/** What a reader keeps on disk while it makes a layer. */
import { STREAM_BINARY, STREAM_REPEATS, STREAM_TEXT } from './format.ts';
import type { PatchLayer } from './header.ts';

/** A carried blob that is to be unpacked; opened parts of the base, and new bytes of which some come again. */
export function layerScratchBytes({ tar, blob, streams, viewBytes = 0 }: PatchLayer): number {
  if (tar.kind === 'blob') return blob?.sizeBytes ?? 0;
  if (!streams.some(({ stream }) => stream === STREAM_REPEATS)) return viewBytes;
  const literals = streams.filter(({ stream }) => stream === STREAM_BINARY || stream === STREAM_TEXT);
  return literals.reduce((sum, { plainBytes }) => sum + plainBytes, viewBytes);
}
