/** Walks the segments of a layer ahead of who writes them, so that other threads have something to do. */
import type { TarSegment } from '../tar/walk.ts';

export interface Ahead<Begun> {
  readonly segment: TarSegment;
  readonly begun: Begun | undefined;
}

/** So many bytes of files are begun before they are written, at most, but for one file. */
const AHEAD_BYTES = 24 << 20;
const AHEAD_SEGMENTS = 1 << 12;

/** Gives each segment with what `begin` gave for it, which is called for those that follow first. */
export function* lookAhead<Begun>(
  segments: Generator<TarSegment>,
  begin: (segment: TarSegment) => Begun | undefined,
): Generator<Ahead<Begun>> {
  let queue: Ahead<Begun>[] = [];
  let next = 0;
  let aheadBytes = 0;
  for (;;) {
    while (aheadBytes < AHEAD_BYTES && queue.length - next < AHEAD_SEGMENTS) {
      const { value: segment, done } = segments.next();
      if (done) break;
      const begun = begin(segment);
      if (begun !== undefined) aheadBytes += segment.sizeBytes;
      queue.push({ segment, begun });
    }
    const ahead = queue[next++];
    if (ahead === undefined) return;
    yield ahead;
    if (ahead.begun !== undefined) aheadBytes -= ahead.segment.sizeBytes;
    if (next < AHEAD_SEGMENTS) continue;
    queue = queue.slice(next);
    next = 0;
  }
}

export function* withoutAhead(segments: Iterable<TarSegment>): Generator<Ahead<never>> {
  for (const segment of segments) yield { segment, begun: undefined };
}
