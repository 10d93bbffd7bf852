// The matchers of levels 1 to 4 of Go 1.27's encoder; src/deflate/go-modern/single-table.ts (1 and 2), level3.ts and
// level4.ts are their plain references and say what each step is for.
import {
  begin,
  clear,
  common,
  commonBefore,
  endIndex,
  forget,
  indexIn,
  literals,
  MARGIN,
  prepare,
  pushMatch,
  put,
  REACH,
  remainder,
  setUp,
  slot4,
  slot4as5,
  slot5,
  slot7,
  TABLES,
  tokenCount,
  tokensAt,
  value,
} from '../shared/history.ts';

export { clear, forget, prepare, tokensAt };

// Level 3 has the newest position of every hash in one table and the one before in another, level 4 hashes of 4
// bytes in one and of 7 in another.
const BEFORE: usize = 4 * 65536;
const LONG: usize = TABLES + 4 * 32768;
const SAFE_REACH: i32 = REACH - 4;

let level: i32 = 1;
let bits: u64 = 15;
let comparesElsewhere: bool = false;
let newest: i32 = 0;
let before: i32 = 0;
let foundAt: i32 = 0;
let foundFrom: i32 = 0;

export function configure(wantedLevel: i32, elsewhere: bool): void {
  level = wantedLevel;
  bits = level === 1 ? 15 : 17;
  comparesElsewhere = elsewhere;
  setUp(level === 1 ? 4 * 32768 : level === 4 ? 8 * 32768 : 4 * 131072, 258);
}

// Matches the block that was put; returns the count of its tokens.
export function encode(blockBytes: i32): i32 {
  const start = begin(blockBytes);
  if (start < 0) return 0;
  if (level <= 2) runSingle(start);
  else if (level === 3) runPair(start);
  else runShortLong(start);
  return tokenCount();
}

function runSingle(start: i32): void {
  const end = endIndex();
  const limit = end - MARGIN;
  let emitted = start;
  let at = start;
  for (;;) {
    let next = at;
    let from: i32 = -1;
    do {
      at = next;
      next = at + 2 + ((at - emitted) >> 5);
      if (next > limit) {
        remainder(emitted);
        return;
      }
      from = probe(at, REACH - 1);
      if (from >= 0) {
        put(slot5(TABLES, next, bits), next);
        break;
      }
      at = next++;
      from = probe(at, REACH - 1);
      if (from >= 0 && level === 1) put(slot5(TABLES, at, bits), next);
    } while (from < 0);
    for (;;) {
      const grown = commonBefore(at, from, emitted);
      const length = 4 + common(at + 4, from + 4, end) + grown;
      at -= grown;
      literals(emitted, at);
      pushMatch(length, at - from + grown);
      at += length;
      emitted = at;
      if (next >= at) at = next + 1;
      if (at >= limit) {
        if (at + length + 8 < end) put(slot5(TABLES, at, bits), at);
        remainder(emitted);
        return;
      }
      if (level === 2) indexInside(at - length + 2, at);
      put(slot5(TABLES, at - 2, bits), at - 2);
      if (level === 2) put(slot5(TABLES, at - 1, bits), at - 1);
      from = probe(at, REACH);
      if (from < 0) break;
    }
    at++;
  }
}

function indexInside(first: i32, at: i32): void {
  for (let index = first; index < at - 5; index += 7) {
    put(slot5(TABLES, index, bits), index);
    put(slot5(TABLES, index + 2, bits), index + 2);
    put(slot4as5(TABLES, index + 4, bits), index + 4);
  }
}

// Where the bytes at `at` were seen, at most `reach` before, or -1; puts `at` in the table.
@inline
function probe(at: i32, reach: i32): i32 {
  const slot = slot5(TABLES, at, bits);
  const from = indexIn(slot);
  put(slot, at);
  return at - from <= reach && value(from) === value(at) ? from : -1;
}

function runPair(start: i32): void {
  const end = endIndex();
  const limit = end - MARGIN;
  let emitted = start;
  let at = start;
  for (;;) {
    let next = at;
    let from: i32 = -1;
    do {
      at = next;
      next = at + 1 + ((at - emitted) >> 7);
      if (next > limit) {
        remainder(emitted);
        return;
      }
      exchange(at);
      from = longerCandidate(at, end);
    } while (from < 0);
    for (;;) {
      const grown = commonBefore(at, from, emitted);
      const length = 4 + common(at + 4, from + 4, end) + grown;
      at -= grown;
      from -= grown;
      literals(emitted, at);
      pushMatch(length, at - from);
      at += length;
      emitted = at;
      if (next >= at) at = next + 1;
      if (at >= limit) {
        const after = from + length;
        if (after + 8 < end && after > 0) exchange(after);
        remainder(emitted);
        return;
      }
      for (let index = at - length + 2; index < at - 5; index += 6) exchange(index);
      exchange(at - 2);
      exchange(at - 1);
      exchange(at);
      from = firstCandidate(at);
      if (from < 0) break;
    }
    at++;
  }
}

function longerCandidate(at: i32, end: i32): i32 {
  if (at - newest > SAFE_REACH) return -1;
  const here = value(at);
  if (value(newest) !== here) return at - before < SAFE_REACH && value(before) === here ? before : -1;
  if (at - before > SAFE_REACH || value(before) !== here) return newest;
  const length = common(at + 4, newest + 4, end);
  return common(at + 4, before + 4, end) > length ? before : newest;
}

function firstCandidate(at: i32): i32 {
  if (at - newest >= SAFE_REACH) return -1;
  const here = value(at);
  if (value(newest) === here) return newest;
  return at - before < SAFE_REACH && value(before) === here ? before : -1;
}

@inline
function exchange(at: i32): void {
  const slot = slot5(TABLES, at, 16);
  newest = indexIn(slot);
  before = indexIn(slot + BEFORE);
  store<i32>(slot + BEFORE, load<i32>(slot));
  put(slot, at);
}

function runShortLong(start: i32): void {
  const end = endIndex();
  const limit = end - MARGIN;
  let emitted = start;
  let at = start;
  for (;;) {
    let next = at;
    do {
      at = next;
      next = at + 1 + ((at - emitted) >> 6);
      if (next > limit) {
        remainder(emitted);
        return;
      }
    } while (!findAt(at, next, end));
    const grown = commonBefore(foundAt, foundFrom, emitted);
    const length = 4 + common(foundAt + 4, foundFrom + 4, end) + grown;
    at = foundAt - grown;
    literals(emitted, at);
    pushMatch(length, foundAt - foundFrom);
    at += length;
    emitted = at;
    if (next >= at) at = next + 1;
    if (at >= limit) {
      if (at + 8 < end) insertBoth(at);
      remainder(emitted);
      return;
    }
    for (let index = next; index < at - 1; index += 3) {
      put(slot7(LONG, index), index);
      insertBoth(index + 1);
    }
    insertBoth(at - 1);
  }
}

function findAt(at: i32, next: i32, end: i32): bool {
  const short = slot4(TABLES, at);
  const long = slot7(LONG, at);
  const shortFrom = indexIn(short);
  const longFrom = indexIn(long);
  put(short, at);
  put(long, at);
  const here = value(at);
  foundAt = at;
  if (at - longFrom < REACH && value(longFrom) === here) {
    foundFrom = longFrom;
    return true;
  }
  if (at - shortFrom >= REACH || value(shortFrom) !== here) return false;
  foundFrom = shortFrom;
  const nextFrom = indexIn(slot7(LONG, next));
  if (next - nextFrom < REACH && value(nextFrom) === value(next)) {
    const compared = comparesElsewhere ? next - nextFrom : nextFrom;
    const length = common(at + 4, shortFrom + 4, end);
    if (common(next + 4, compared + 4, end) > length) {
      foundAt = next;
      foundFrom = nextFrom;
    }
  }
  return true;
}

@inline
function insertBoth(index: i32): void {
  put(slot4(TABLES, index), index);
  put(slot7(LONG, index), index);
}
