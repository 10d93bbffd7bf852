/**
 * Finds where the bytes of a new buffer stand, exactly or nearly, in an old one. The logic is bsdiff's (C. Percival,
 * "Naive differences of executable code", 2003): follow one alignment while it explains the bytes, leave it only for
 * a match that is clearly better, then extend both ways over mismatches. The look-up is a sampled hash index.
 *
 * This is the plain implementation and the oracle for any faster one: same buffers, same regions.
 */

import { releaseMemory } from '../bytes/release.ts';
import { bestSplit, extendBackward, extendForward } from './extend.ts';

/** Length of the windows that are indexed; shorter matches are found only as extensions of longer ones. */
export const WINDOW_BYTES = 12;

/** Two buffers' worth of nearly equal bytes: `new[newStart…]` stands at `old[oldStart…]`, mismatches included. */
export interface Region {
  readonly newStart: number;
  readonly oldStart: number;
  readonly length: number;
}

/** Candidates tried for one position. More finds little and costs time on repetitive data. */
const MAX_CHAIN = 24;
/** The most buckets; fuller ones cost time, not matches. */
const MAX_BUCKET_BITS = 20;
/** By how many bytes a match must beat the current alignment before it is followed. */
const SWITCH_MARGIN = 8;

/**
 * Data that repeats with a period has its matches from its beginning on: after a period and some bytes more, its windows
 * aren't indexed again. Else the chains would lead to its end only, to ever shorter matches, in quadratic time.
 */
const MAX_PERIOD_BYTES = 4096;
const MIN_REPEATED_BYTES = 64;

const HASH_MULTIPLIER = 0x2c1b3c6d;
const MIX_MULTIPLIER = 0x297a2d39;
/** HASH_MULTIPLIER to the power of WINDOW_BYTES, to take the oldest byte out of a rolling hash. */
const HASH_LEAVING = power(HASH_MULTIPLIER, WINDOW_BYTES);

/** An index over one old buffer. Its tables can be handed to the next `indexOld` to save their allocation. */
export interface OldIndex {
  readonly old: Uint8Array;
  readonly tables: IndexTables;
  /** Windows are in the index when the mixed hash has these low bits zero. */
  readonly sampleMask: number;
}

export interface IndexTables {
  /** Bucket → ordinal of its latest window + 1; only the first `bucketCount` are in use. */
  heads: Int32Array;
  bucketCount: number;
  /** Ordinal → position in the old buffer. */
  positions: Int32Array;
  /** Ordinal → ordinal of the next older window of the bucket + 1. */
  previous: Int32Array;
}

export function emptyTables(): IndexTables {
  return {
    heads: new Int32Array(0),
    bucketCount: 0,
    positions: new Int32Array(0),
    previous: new Int32Array(0),
  };
}

/**
 * Indexes every 2^sampleBits-th window of `old`, chosen by its hash so that the same windows are chosen on both
 * sides. Memory: 8 bytes per indexed window and 4 per bucket.
 */
export function indexOld(old: Uint8Array, sampleBits: number, tables: IndexTables = emptyTables()): OldIndex {
  const sampleMask = (1 << sampleBits) - 1;
  // An eighth more than the hash should choose, so that the tables hardly ever have to grow.
  const expected = Math.ceil((old.length * 1.125) / (sampleMask + 1)) + 64;
  const bucketBits = Math.min(MAX_BUCKET_BITS, Math.max(8, 32 - Math.clz32(expected)));
  tables.bucketCount = 1 << bucketBits;
  if (tables.heads.length < tables.bucketCount) tables.heads = new Int32Array(tables.bucketCount);
  else tables.heads.fill(0, 0, tables.bucketCount);
  reserve(tables, expected);
  const { heads } = tables;
  const shift = 32 - bucketBits;
  let count = 0;
  let hash = firstHash(old, 0);
  /** The distance at which the bytes just read repeat, and how many of them do; 0 when they don't. */
  let period = 0;
  let repeated = 0;
  for (let at = 0; at + WINDOW_BYTES <= old.length; at++) {
    const last = at + WINDOW_BYTES - 1;
    if (period > 0 && old[last] === old[last - period]) repeated++;
    else period = 0;
    const mixed = mix(hash);
    if ((mixed & sampleMask) === 0 && (period === 0 || repeated < period + MIN_REPEATED_BYTES)) {
      const bucket = mixed >>> shift;
      const before = heads[bucket]! === 0 ? -1 : tables.positions[heads[bucket]! - 1]!;
      if (period === 0 && before >= 0 && at - before <= MAX_PERIOD_BYTES) {
        period = at - before;
        repeated = 0;
      }
      if (count === tables.positions.length) reserve(tables, count + (count >> 1) + 64);
      tables.positions[count] = at;
      tables.previous[count] = heads[bucket]!;
      heads[bucket] = ++count;
    }
    hash = rollHash(hash, old[at]!, old[at + WINDOW_BYTES]!);
  }
  return { old, tables, sampleMask };
}

function reserve(tables: IndexTables, count: number): void {
  if (tables.positions.length >= count) return;
  const positions = new Int32Array(count);
  const previous = new Int32Array(count);
  positions.set(tables.positions);
  previous.set(tables.previous);
  releaseMemory([tables.positions, tables.previous]);
  tables.positions = positions;
  tables.previous = previous;
}

/**
 * The regions of `next` that stand in the index's old buffer, in order of `newStart`, none overlapping; what lies
 * between them is new. `minimumGain` is how many matching bytes a switch must win over the current alignment.
 */
export function findRegions(index: OldIndex, next: Uint8Array, minimumGain = SWITCH_MARGIN): Region[] {
  const { old } = index;
  const regions: Region[] = [];
  const found = { position: 0, length: 0 };
  const hashes = { at: Number.NaN, value: 0 };
  let scan = 0;
  let lastScan = 0;
  let lastOld = 0;
  let offset = 0;
  while (scan < next.length) {
    scan += found.length;
    let counted = scan;
    let score = 0;
    for (; scan < next.length; scan++) {
      findMatch(index, next, scan, offset, found, hashes);
      const end = scan + found.length;
      for (; counted < end; counted++) if (old[counted + offset] === next[counted]) score++;
      if ((found.length === score && found.length !== 0) || found.length > score + minimumGain) break;
      if (old[scan + offset] === next[scan] && counted > scan) score--;
      if (counted <= scan) counted = scan + 1;
    }
    if (found.length === score && scan < next.length) continue;
    let forward = extendForward(old, next, lastOld, lastScan, scan);
    let backward = scan < next.length ? extendBackward(old, next, found.position, scan, lastScan) : 0;
    const overlap = lastScan + forward - (scan - backward);
    if (overlap > 0) {
      const keep = bestSplit(
        old,
        next,
        lastOld,
        lastScan + forward - overlap,
        found.position - backward,
        overlap,
        lastScan,
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

/** The hash of the window at `at`, kept between calls because they mostly move by one. */
interface WindowHash {
  at: number;
  value: number;
}

/** Writes the best match for `next[scan…]` to `found`; length 0 when there is none of at least a window. */
function findMatch(
  index: OldIndex,
  next: Uint8Array,
  scan: number,
  offset: number,
  found: Found,
  hash: WindowHash,
): void {
  const { old, tables, sampleMask } = index;
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
  moveHash(hash, next, scan);
  const mixed = mix(hash.value);
  if ((mixed & sampleMask) !== 0) return;
  let ordinal = tables.heads[mixed >>> (Math.clz32(tables.bucketCount) + 1)]!;
  let best = WINDOW_BYTES - 1;
  for (let tries = 0; ordinal !== 0 && tries < MAX_CHAIN; tries++) {
    const position = tables.positions[ordinal - 1]!;
    ordinal = tables.previous[ordinal - 1]!;
    if (old[position + best] !== next[scan + best]) continue;
    const length = matchLength(old, position, next, scan);
    const nearer = length === best && Math.abs(position - aligned) < Math.abs(found.position - aligned);
    if (length > best || (nearer && found.length > 0)) {
      best = length;
      found.position = position;
      found.length = length;
    }
  }
}

function matchLength(old: Uint8Array, oldAt: number, next: Uint8Array, nextAt: number): number {
  const limit = Math.min(old.length - oldAt, next.length - nextAt);
  let length = 0;
  while (length < limit && old[oldAt + length] === next[nextAt + length]) length++;
  return length;
}

function moveHash(hash: WindowHash, bytes: Uint8Array, at: number): void {
  if (at === hash.at) return;
  if (at === hash.at + 1) hash.value = rollHash(hash.value, bytes[at - 1]!, bytes[at - 1 + WINDOW_BYTES]!);
  else hash.value = firstHash(bytes, at);
  hash.at = at;
}

function firstHash(bytes: Uint8Array, at: number): number {
  let hash = 0;
  const end = Math.min(bytes.length, at + WINDOW_BYTES);
  for (let i = at; i < end; i++) hash = (Math.imul(hash, HASH_MULTIPLIER) + bytes[i]! + 1) | 0;
  return hash;
}

/** Each byte counts as its value + 1, so that runs of zeros are told apart by length. */
function rollHash(hash: number, leaving: number, entering: number): number {
  return (Math.imul(hash, HASH_MULTIPLIER) + entering + 1 - Math.imul(leaving + 1, HASH_LEAVING)) | 0;
}

function mix(hash: number): number {
  let value = hash ^ (hash >>> 15);
  value = Math.imul(value, MIX_MULTIPLIER);
  return value ^ (value >>> 13);
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}
