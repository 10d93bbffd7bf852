// Finds where the bytes of a new buffer stand in an old one; src/kernels/match.ts is the plain reference and says what
// each step is for. Memory, from low to high: found regions, marks, the new bytes, the old bytes, heads, entries. Only
// the entries grow while they are made, at the end.
import { commonBytes } from '../shared/compare';
import { bestSplit, equalBytes, extendBackward, extendForward } from '../shared/extend';

const WINDOW: i32 = 12;
const MAX_PERIOD: i32 = 4096;
const MIN_REPEATED: i32 = 64;
const BACKWARD_SHARE: i64 = 32;
const ALWAYS_BACKWARD: i32 = 1 << 14;
const MULTIPLIER: i32 = 0x2c1b3c6d;
const MIX: i32 = 0x297a2d39;
// MULTIPLIER to the power of WINDOW.
const M2: i32 = MULTIPLIER * MULTIPLIER;
const M4: i32 = M2 * M2;
const LEAVING: i32 = M4 * M4 * M4;

const REGION_ROOM: i32 = 2048;
const REGIONS: usize = 1024;
// A bit for each bucket, of 2^20 at most.
const MARKS: usize = REGIONS + 12 * 2048;
const MARK_BYTES: usize = 1 << 17;
const NEXT: usize = MARKS + MARK_BYTES;

let nextBytes: i32 = 0;
let oldAt: usize = 0;
let oldBytes: i32 = 0;
let headsAt: usize = 0;
let entriesAt: usize = 0;
let sampleMask: i32 = 0;
let shift: i32 = 0;

// What `find` goes on with.
let scan: i32 = 0;
let lastScan: i32 = 0;
let lastOld: i32 = 0;
let offset: i32 = 0;
let position: i32 = 0;
let length: i32 = 0;
let backwardLeft: i64 = 0;
// The window whose hash is known.
let hashedAt: i32 = 0;
let hashed: i32 = 0;

export function regionsAt(): usize {
  return REGIONS;
}

export function nextStart(): usize {
  return NEXT;
}

export function oldStart(): usize {
  return oldAt;
}

// Makes room for the two buffers; what is in the new one stays. 0 when there is not so much memory.
export function reserve(wantedNext: i32, wantedOld: i32, bucketBits: i32, entries: i32): bool {
  nextBytes = wantedNext;
  oldBytes = wantedOld;
  // Eight bytes behind each may be read along.
  oldAt = (NEXT + <usize>wantedNext + 15) & ~7;
  headsAt = (oldAt + <usize>wantedOld + 15) & ~7;
  entriesAt = headsAt + (<usize>4 << bucketBits);
  return grow(entriesAt + 8 * (<usize>entries + 1));
}

function grow(end: usize): bool {
  const pages = <i32>((end + 0xffff) >>> 16) - memory.size();
  return pages <= 0 || memory.grow(pages) >= 0;
}

@inline
function first(at: usize): i32 {
  let hash: i32 = 0;
  for (let i: usize = 0; i < <usize>WINDOW; i++) hash = hash * MULTIPLIER + <i32>load<u8>(at + i) + 1;
  return hash;
}

@inline
function roll(hash: i32, leaving: i32, entering: i32): i32 {
  return hash * MULTIPLIER + entering + 1 - (leaving + 1) * LEAVING;
}

@inline
function mix(hash: i32): i32 {
  const value = (hash ^ (hash >>> 15)) * MIX;
  return value ^ (value >>> 13);
}

function markBuckets(bucketBits: i32): void {
  memory.fill(MARKS, 0, <usize>max(8, 1 << (bucketBits - 3)));
  if (nextBytes < WINDOW) return;
  let hash = first(NEXT);
  const end = NEXT + <usize>(nextBytes - WINDOW);
  for (let at = NEXT; at <= end; at++) {
    const mixed = mix(hash);
    if ((mixed & sampleMask) === 0) {
      const bucket = <u32>mixed >>> shift;
      const mark = MARKS + <usize>(bucket >>> 3);
      store<u8>(mark, load<u8>(mark) | (<u8>1 << <u8>(bucket & 7)));
    }
    hash = roll(hash, load<u8>(at), load<u8>(at + <usize>WINDOW));
  }
}

@inline
function entryPosition(ordinal: i32): i32 {
  return load<i32>(entriesAt + (<usize>ordinal << 3));
}

// Indexes the windows of the old bytes that the new ones look for. 0 when memory runs out.
export function index(sampleBits: i32, bucketBits: i32): bool {
  sampleMask = (1 << sampleBits) - 1;
  shift = 32 - bucketBits;
  markBuckets(bucketBits);
  memory.fill(headsAt, 0, <usize>4 << bucketBits);
  scan = 0;
  lastScan = 0;
  lastOld = 0;
  offset = 0;
  position = 0;
  length = 0;
  hashedAt = -2;
  backwardLeft = BACKWARD_SHARE * <i64>nextBytes;
  if (oldBytes < WINDOW) return true;
  let room = <i32>(((<usize>memory.size() << 16) - entriesAt) >>> 3);
  let count: i32 = 0;
  let period: i32 = 0;
  let repeated: i32 = 0;
  let hash = first(oldAt);
  const end = oldBytes - WINDOW;
  for (let at: i32 = 0; at <= end; at++) {
    const here = oldAt + <usize>at;
    if (period > 0) {
      const last = here + <usize>(WINDOW - 1);
      if (load<u8>(last) === load<u8>(last - <usize>period)) repeated++;
      else period = 0;
    }
    const mixed = mix(hash);
    if ((mixed & sampleMask) === 0) {
      const bucket = <u32>mixed >>> shift;
      if ((<u32>load<u8>(MARKS + <usize>(bucket >>> 3)) >>> (bucket & 7)) & 1) {
        if (period === 0 || repeated < period + MIN_REPEATED) {
          const head = headsAt + (<usize>bucket << 2);
          const before = load<i32>(head);
          // Entries are at least a byte apart: of an old one, the place need not be looked up.
          if (period === 0 && before !== 0 && count - before <= MAX_PERIOD) {
            const distance = at - entryPosition(before);
            if (distance <= MAX_PERIOD) {
              period = distance;
              repeated = 0;
            }
          }
          if (++count >= room) {
            if (!grow(entriesAt + 8 * (<usize>count + <usize>(count >> 1) + 64))) return false;
            room = <i32>(((<usize>memory.size() << 16) - entriesAt) >>> 3);
          }
          const entry = entriesAt + (<usize>count << 3);
          store<i32>(entry, at);
          store<i32>(entry, before, 4);
          store<i32>(head, count);
        }
      }
    }
    hash = roll(hash, load<u8>(here), load<u8>(here + <usize>WINDOW));
  }
  return true;
}

function findMatch(chain: i32): void {
  length = 0;
  if (scan + WINDOW > nextBytes) return;
  const here = NEXT + <usize>scan;
  const aligned = scan + offset;
  if (aligned >= 0 && aligned + WINDOW <= oldBytes) {
    const same = commonBytes(oldAt + <usize>aligned, here, min(oldBytes - aligned, nextBytes - scan));
    if (same >= WINDOW) {
      position = aligned;
      length = same;
      return;
    }
  }
  if (hashedAt === scan - 1) hashed = roll(hashed, load<u8>(here - 1), load<u8>(here + <usize>(WINDOW - 1)));
  else if (hashedAt !== scan) hashed = first(here);
  hashedAt = scan;
  const mixed = mix(hashed);
  if ((mixed & sampleMask) !== 0) return;
  let ordinal = load<i32>(headsAt + (<usize>(<u32>mixed >>> shift) << 2));
  for (let tries: i32 = 0; ordinal !== 0 && tries < chain; tries++) {
    const entry = entriesAt + (<usize>ordinal << 3);
    const candidate = load<i32>(entry);
    ordinal = load<i32>(entry, 4);
    const there = oldAt + <usize>candidate;
    const most = min(oldBytes - candidate, nextBytes - scan);
    // What ends before the best one does can't reach it.
    if (length > 0) {
      if (most < length || load<u8>(there + <usize>(length - 1)) !== load<u8>(here + <usize>(length - 1))) continue;
    }
    const same = commonBytes(there, here, most);
    if (same < WINDOW || same < length) continue;
    if (same === length && abs(candidate - aligned) >= abs(position - aligned)) continue;
    position = candidate;
    length = same;
  }
}

// Bytes of [from, to) of the new buffer that equal those at the current alignment.
@inline
function countEqual(from: i32, to: i32): i32 {
  const low = max(from, -offset);
  const high = min(to, oldBytes - offset);
  if (low >= high) return 0;
  return equalBytes(oldAt + <usize>(low + offset), NEXT + <usize>low, high - low);
}

@inline
function isEqual(at: i32): bool {
  const aligned = at + offset;
  return aligned >= 0 && aligned < oldBytes && load<u8>(oldAt + <usize>aligned) === load<u8>(NEXT + <usize>at);
}

// Writes the next regions (new start, old start, length each) and returns their number. When it is REGION_ROOM there
// may be more.
export function find(minimumGain: i32, chain: i32): i32 {
  let count: i32 = 0;
  while (scan < nextBytes && count < REGION_ROOM) {
    scan += length;
    let counted = scan;
    let score: i32 = 0;
    for (; scan < nextBytes; scan++) {
      findMatch(chain);
      const end = scan + length;
      if (counted < end) {
        score += position === scan + offset ? end - counted : countEqual(counted, end);
        counted = end;
      }
      if ((length === score && length !== 0) || length > score + minimumGain) break;
      if (counted > scan && isEqual(scan)) score--;
      if (counted <= scan) counted = scan + 1;
    }
    if (length === score && scan < nextBytes) continue;
    const oldLast = oldAt + <usize>lastOld;
    const nextLast = NEXT + <usize>lastScan;
    let forward = extendForward(oldLast, nextLast, min(scan - lastScan, oldBytes - lastOld));
    let backward: i32 = 0;
    if (scan < nextBytes) {
      const limit = min(min(scan - lastScan, position), max(ALWAYS_BACKWARD, <i32>min<i64>(backwardLeft, i32.MAX_VALUE)));
      backwardLeft -= limit;
      backward = extendBackward(oldAt + <usize>position, NEXT + <usize>scan, limit);
    }
    const overlap = lastScan + forward - (scan - backward);
    if (overlap > 0) {
      const kept = bestSplit(
        oldLast + <usize>(forward - overlap),
        nextLast + <usize>(forward - overlap),
        oldAt + <usize>(position - backward),
        overlap,
      );
      forward += kept - overlap;
      backward -= kept;
    }
    if (forward > 0) {
      const region = REGIONS + <usize>(12 * count);
      store<i32>(region, lastScan);
      store<i32>(region, lastOld, 4);
      store<i32>(region, forward, 8);
      count++;
    }
    lastScan = scan - backward;
    lastOld = position - backward;
    offset = position - scan;
  }
  return count;
}
