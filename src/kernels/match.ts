/**
 * Finds where the bytes of a new buffer stand, exactly or nearly, in an old one. The logic is bsdiff's (C. Percival,
 * "Naive differences of executable code", 2003): follow one alignment while it explains the bytes, leave it only for
 * a match that is clearly better, then extend both ways over mismatches. The look-up is a sampled hash index.
 *
 * This is the plain implementation and the oracle for kernels/match/match.ts: same buffers, same regions.
 */

import { bestSplit, extendBackward, extendForward } from './extend.ts';
import { bucketBitsFor, expectedWindows, firstHash, mixHash, rollHash, WINDOW_BYTES } from './window-hash.ts';

/** Two buffers' worth of nearly equal bytes: `new[newStart…]` stands at `old[oldStart…]`, mismatches included. */
export interface Region {
  readonly newStart: number;
  readonly oldStart: number;
  readonly length: number;
}

/** Candidates tried for one position unless said otherwise. More finds little and costs time on repetitive data. */
export const DEFAULT_CHAIN = 24;
/** By how many bytes a match must beat the current alignment before it is followed, unless said otherwise. */
export const DEFAULT_GAIN = 8;

/**
 * Data that repeats with a period has its matches from its beginning on: after a period and some bytes more, its windows
 * aren't indexed again. Else the chains would lead to its end only, to ever shorter matches, in quadratic time.
 */
const MAX_PERIOD_BYTES = 4096;
const MIN_REPEATED_BYTES = 64;

/**
 * Extensions backwards may look at this many times the new bytes in all, and at so many bytes each in any case. Without
 * a limit, data that nearly repeats with a period would be gone through again at every switch, in quadratic time; and
 * tables in which hardly a window matches, found only by what follows them, may be megabytes long.
 */
const BACKWARD_SHARE = 32;
const ALWAYS_BACKWARD_BYTES = 1 << 14;

/** An index over one old buffer. */
export interface OldIndex {
  readonly old: Uint8Array;
  /** Windows are in the index when the mixed hash has these low bits zero. */
  readonly sampleMask: number;
  readonly bucketBits: number;
  /** Bucket → ordinal of its latest window, from 1 on. */
  readonly heads: Int32Array;
  /** Ordinal → position in the old buffer. */
  readonly positions: readonly number[];
  /** Ordinal → ordinal of the next older window of the bucket. */
  readonly previous: readonly number[];
}

/**
 * Indexes every 2^sampleBits-th window of `old`, chosen by its hash so that the same windows are chosen on both
 * sides. With `next`, only windows whose bucket a window of `next` looks into: `next` can be matched, and nothing else.
 */
export function indexOld(old: Uint8Array, sampleBits: number, next?: Uint8Array): OldIndex {
  const sampleMask = (1 << sampleBits) - 1;
  const bucketBits = bucketBitsFor(expectedWindows(old.length, sampleBits));
  const shift = 32 - bucketBits;
  const wanted = next && bucketsOf(next, sampleMask, bucketBits);
  const heads = new Int32Array(1 << bucketBits);
  const positions = [0];
  const previous = [0];
  /** The distance at which the bytes just read repeat, and how many of them do; 0 when they don't. */
  let period = 0;
  let repeated = 0;
  forEachWindow(old, (at, hash) => {
    const last = at + WINDOW_BYTES - 1;
    if (period > 0 && old[last] === old[last - period]) repeated++;
    else period = 0;
    if ((hash & sampleMask) !== 0 || wanted?.[hash >>> shift] === 0) return;
    if (period > 0 && repeated >= period + MIN_REPEATED_BYTES) return;
    const bucket = hash >>> shift;
    const before = heads[bucket]!;
    if (period === 0 && before !== 0 && at - positions[before]! <= MAX_PERIOD_BYTES) {
      period = at - positions[before]!;
      repeated = 0;
    }
    heads[bucket] = positions.length;
    positions.push(at);
    previous.push(before);
  });
  return { old, sampleMask, bucketBits, heads, positions, previous };
}

/** Per bucket, whether a window of `bytes` falls into it. */
function bucketsOf(bytes: Uint8Array, sampleMask: number, bucketBits: number): Uint8Array {
  const marks = new Uint8Array(1 << bucketBits);
  forEachWindow(bytes, (_, hash) => {
    if ((hash & sampleMask) === 0) marks[hash >>> (32 - bucketBits)] = 1;
  });
  return marks;
}

/** Calls `visit` with the place and the mixed hash of every window. */
function forEachWindow(bytes: Uint8Array, visit: (at: number, hash: number) => void): void {
  let hash = firstHash(bytes, 0);
  for (let at = 0; at + WINDOW_BYTES <= bytes.length; at++) {
    visit(at, mixHash(hash));
    hash = rollHash(hash, bytes[at]!, bytes[at + WINDOW_BYTES]!);
  }
}

/**
 * The regions of `next` that stand in the index's old buffer, in order of `newStart`, none overlapping; what lies
 * between them is new. `minimumGain` is how many matching bytes a switch must win over the current alignment, `chain`
 * how many candidates are tried for one position.
 */
export function findRegions(
  index: OldIndex,
  next: Uint8Array,
  minimumGain = DEFAULT_GAIN,
  chain = DEFAULT_CHAIN,
): Region[] {
  const { old } = index;
  const regions: Region[] = [];
  const found = { position: 0, length: 0 };
  let scan = 0;
  let lastScan = 0;
  let lastOld = 0;
  let offset = 0;
  let backwardLeft = BACKWARD_SHARE * next.length;
  while (scan < next.length) {
    scan += found.length;
    let counted = scan;
    let score = 0;
    for (; scan < next.length; scan++) {
      findMatch(index, next, scan, offset, chain, found);
      const end = scan + found.length;
      for (; counted < end; counted++) if (old[counted + offset] === next[counted]) score++;
      if ((found.length === score && found.length !== 0) || found.length > score + minimumGain) break;
      if (old[scan + offset] === next[scan] && counted > scan) score--;
      if (counted <= scan) counted = scan + 1;
    }
    if (found.length === score && scan < next.length) continue;
    let forward = extendForward(old, next, lastOld, lastScan, scan);
    let backward = 0;
    if (scan < next.length) {
      const most = Math.max(ALWAYS_BACKWARD_BYTES, backwardLeft);
      const limit = Math.min(scan - lastScan, found.position, most);
      backwardLeft -= limit;
      backward = extendBackward(old, next, found.position, scan, limit);
    }
    const overlap = lastScan + forward - (scan - backward);
    if (overlap > 0) {
      const nextAt = lastScan + forward - overlap;
      const keep = bestSplit(
        old,
        next,
        lastOld + nextAt - lastScan,
        nextAt,
        found.position - backward,
        overlap,
      );
      forward += keep - overlap;
      backward -= keep;
    }
    if (forward > 0) regions.push({ newStart: lastScan, oldStart: lastOld, length: forward });
    lastScan = scan - backward;
    lastOld = found.position - backward;
    offset = found.position - scan;
  }
  return regions;
}

interface Found {
  position: number;
  length: number;
}

/** Writes the best match for `next[scan…]` to `found`; length 0 when there is none of at least a window. */
function findMatch(
  index: OldIndex,
  next: Uint8Array,
  scan: number,
  offset: number,
  chain: number,
  found: Found,
): void {
  const { old } = index;
  found.length = 0;
  if (scan + WINDOW_BYTES > next.length) return;
  const aligned = scan + offset;
  if (aligned >= 0 && aligned + WINDOW_BYTES <= old.length) {
    const length = matchLength(old, aligned, next, scan);
    if (length >= WINDOW_BYTES) {
      found.position = aligned;
      found.length = length;
      return;
    }
  }
  const hash = mixHash(firstHash(next, scan));
  if ((hash & index.sampleMask) !== 0) return;
  let ordinal = index.heads[hash >>> (32 - index.bucketBits)]!;
  for (let tries = 0; ordinal !== 0 && tries < chain; tries++) {
    const position = index.positions[ordinal]!;
    ordinal = index.previous[ordinal]!;
    const length = matchLength(old, position, next, scan);
    if (length < WINDOW_BYTES || length < found.length) continue;
    // Of matches of one length, the nearest to the current alignment is the cheapest to point at.
    if (length === found.length && Math.abs(position - aligned) >= Math.abs(found.position - aligned))
      continue;
    found.position = position;
    found.length = length;
  }
}

function matchLength(old: Uint8Array, oldAt: number, next: Uint8Array, nextAt: number): number {
  const limit = Math.min(old.length - oldAt, next.length - nextAt);
  let length = 0;
  while (length < limit && old[oldAt + length] === next[nextAt + length]) length++;
  return length;
}
