/** What a reader keeps on disk while it makes a layer. */
import { STREAM_BINARY, STREAM_REPEATS, STREAM_TEXT } from './format.ts';
import type { PatchLayer } from './header.ts';

/** A carried blob that is to be unpacked, and new bytes of which some come again. */
export function layerScratchBytes({ tar, blob, streams }: PatchLayer): number {
  if (tar.kind === 'blob') return blob?.sizeBytes ?? 0;
  if (!streams.some(({ stream }) => stream === STREAM_REPEATS)) return 0;
  const literals = streams.filter(({ stream }) => stream === STREAM_BINARY || stream === STREAM_TEXT);
  return literals.reduce((sum, { plainBytes }) => sum + plainBytes, 0);
}
