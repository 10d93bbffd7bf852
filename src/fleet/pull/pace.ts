/**
 * How much is asked for at a time. What is on its way when a process is killed, or a line cut, has to be fetched once more:
 * a connection's buffers alone hold megabytes where the line is faster than who reads it. So a pull asks for its blobs in
 * ranges, and one that was stopped before, and may be stopped again and again, for smaller ones; both for more as they get
 * on, so that what is fetched twice stays a small part of the whole.
 */

/** What a run asks for next, by what it has fetched. */
export interface Pace {
  /** Bytes for the next request. */
  nextBytes(): number;
  onBytes(count: number): void;
}

/** Some 2.5 MB/s from a registry that answers after a tenth of a second; more from 16 MB on. */
const FIRST_BYTES = 1 << 18;
/** The least that is asked for: an answer's header takes some 500 bytes. */
const LEAST_BYTES = 3 << 12;
/** Of what a run has fetched, so much is on its way at a time at most. */
const PART = 64;
const MOST_BYTES = 1 << 22;

export function startPace(wasStopped: boolean): Pace {
  const leastBytes = wasStopped ? LEAST_BYTES : FIRST_BYTES;
  let fetchedBytes = 0;
  return {
    nextBytes: () => Math.max(leastBytes, Math.min(MOST_BYTES, Math.floor(fetchedBytes / PART))),
    onBytes(count) {
      fetchedBytes += count;
    },
  };
}
