/** Compares files of one size in place: executables that were only built anew differ in a few bytes. */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { eachDifference } from '../bytes/differences.ts';

/** What differs in more than this part has changed. */
const HARDLY_CHANGED = 1 / 1024;
const COMPARED_BYTES = 1 << 16;

/**
 * How many bytes differ; undefined for more than would leave the file hardly changed. `onDifference` is told where, of
 * those that were found by then.
 */
export function findDiffering(
  content: RandomAccess,
  earlier: RandomAccess,
  onDifference?: (at: number) => void,
): number | undefined {
  const most = content.sizeBytes * HARDLY_CHANGED;
  const buffer = new Uint8Array(COMPARED_BYTES);
  const other = new Uint8Array(COMPARED_BYTES);
  let differing = 0;
  let at = 0;
  for (const piece of readPieces(content, buffer)) {
    const old = other.subarray(0, piece.length);
    earlier.readAt(at, old);
    eachDifference(piece, old, 0, piece.length, (place) => {
      differing++;
      onDifference?.(at + place);
    });
    at += piece.length;
    if (differing > most) return undefined;
  }
  return differing;
}
