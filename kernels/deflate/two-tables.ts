// The matcher of levels 5 and 6 of Go 1.27's encoder; src/deflate/go-modern/level5.ts is its plain reference and
// says what each step is for.
import {
  begin,
  clear,
  common,
  commonBefore,
  endIndex,
  forget,
  indexIn,
  LONGEST,
  literals,
  MARGIN,
  prepare,
  pushMatch,
  put,
  REACH,
  remainder,
  setUp,
  slot4,
  slot7,
  TABLES,
  tokenCount,
  tokensAt,
  value,
} from '../shared/history.ts';

export { clear, forget, prepare, tokensAt };

const LONG: usize = TABLES + 4 * 32768;
// From a slot of the long hash to the one with the position before.
const BEFORE: usize = 4 * 32768;

let isLevel6: bool = false;
let looksAtEnd: bool = true;
let skipped: i32 = 2;
let repeat: i32 = 1;
let at: i32 = 0;
let from: i32 = 0;
let length: i32 = 0;

export function configure(level: i32, atEnd: bool, skip: i32, part: i32): void {
  isLevel6 = level === 6;
  looksAtEnd = atEnd;
  skipped = skip;
  setUp(3 * 4 * 32768, part);
}

// Matches the block that was put; returns the count of its tokens.
export function encode(blockBytes: i32): i32 {
  const start = begin(blockBytes);
  if (start >= 0) run(start);
  return start < 0 ? 0 : tokenCount();
}

@inline
function insertShort(index: i32): void {
  put(slot4(TABLES, index), index);
}

@inline
function insertLong(index: i32): void {
  const slot = slot7(LONG, index);
  store<i32>(slot + BEFORE, load<i32>(slot));
  put(slot, index);
}

@inline
function insertBoth(index: i32): void {
  insertShort(index);
  insertLong(index);
}

@inline
function capped(here: i32, there: i32, end: i32): i32 {
  return common(here, there, min(end, here + LONGEST));
}

function run(start: i32): void {
  const end = endIndex();
  const limit = end - MARGIN;
  const skipShift = isLevel6 ? 7 : 6;
  let emitted = start;
  let index = start;
  repeat = 1;
  for (;;) {
    let next = index;
    do {
      index = next;
      next = index + 1 + ((index - emitted) >> skipShift);
      if (next > limit) {
        remainder(emitted);
        return;
      }
    } while (!findAt(index, next, end));
    lengthen(end);
    if (looksAtEnd) tryEnd(end, limit);
    growBack(emitted);
    literals(emitted, at);
    pushMatch(length, at - from);
    repeat = at - from;
    index = at + length;
    emitted = index;
    if (next >= index) index = next + 1;
    if (index >= limit) {
      if (isLevel6) {
        for (let inner = next + 1; inner < end - 8; inner += 2) insertBoth(inner);
      }
      remainder(emitted);
      return;
    }
    if (isLevel6) indexInside6(next, index);
    else indexInside5(index - length + 1, index);
  }
}

function findAt(index: i32, next: i32, end: i32): bool {
  const short = slot4(TABLES, index);
  const long = slot7(LONG, index);
  const shortFrom = indexIn(short);
  const longFrom = indexIn(long);
  const beforeFrom = indexIn(long + BEFORE);
  put(short, index);
  store<i32>(long + BEFORE, load<i32>(long));
  put(long, index);
  const here = value(index);
  at = index;
  length = 0;
  if (index - longFrom < REACH) {
    const beforeFits = index - beforeFrom < REACH && value(beforeFrom) === here;
    if (value(longFrom) === here) {
      insertBoth(next);
      from = longFrom;
      if (beforeFits) {
        length = capped(index, longFrom, end);
        const other = capped(index, beforeFrom, end);
        if (other > length) {
          from = beforeFrom;
          length = other;
        }
      }
      return true;
    }
    if (beforeFits) {
      insertBoth(next);
      from = beforeFrom;
      return true;
    }
  }
  if (index - shortFrom >= REACH || value(shortFrom) !== here) return false;
  from = shortFrom;
  length = capped(index, shortFrom, end);
  tryNext(index, next, end);
  return true;
}

function tryNext(index: i32, next: i32, end: i32): void {
  const slot = slot7(LONG, next);
  const longFrom = indexIn(slot);
  const beforeFrom = indexIn(slot + BEFORE);
  insertBoth(next);
  if (isLevel6) {
    const there = index - repeat + 1;
    if (value(there) === value(index + 1)) {
      const found = capped(index + 1, there, end);
      if (found > length) {
        take(index + 1, there, found);
        return;
      }
    }
  }
  if (next - longFrom >= REACH) return;
  const here = value(next);
  if (value(longFrom) === here) {
    const found = capped(next, longFrom, end);
    if (found > length) {
      take(next, longFrom, found);
      if (!isLevel6) return;
    }
  }
  if (next - beforeFrom < REACH && value(beforeFrom) === here) {
    const found = capped(next, beforeFrom, end);
    if (found > length) take(next, beforeFrom, found);
  }
}

function lengthen(end: i32): void {
  if (length !== 0 && length !== LONGEST) return;
  const known = length === 0 ? 4 : LONGEST;
  length = known + common(at + known, from + known, end);
}

function tryEnd(end: i32, limit: i32): void {
  const after = at + length;
  if (after >= limit || (!isLevel6 && length >= 30)) return;
  const slot = slot7(LONG, after);
  const index = at + skipped;
  const first = indexIn(slot) - length + skipped;
  if (index - first >= REACH) return;
  const before = indexIn(slot + BEFORE);
  tryLonger(index, first, end);
  if (isLevel6) tryLonger(index, before - length + skipped, end);
}

function tryLonger(index: i32, there: i32, end: i32): void {
  const distance = index - there;
  if (distance <= 0 || distance >= REACH || there < 0) return;
  const found = common(index, there, end);
  if (found > length) take(index, there, found);
}

function growBack(emitted: i32): void {
  const grown = commonBefore(at, from, emitted);
  at -= grown;
  from -= grown;
  length += grown;
}

function indexInside5(first: i32, end: i32): void {
  let index = first;
  if (index < end - 1) {
    insertBoth(index);
    insertLong(index + 1);
    insertShort(index + 2);
    for (index += 4; index < end - 1; index += 3) {
      insertLong(index);
      insertShort(index + 1);
    }
  }
  insertBoth(end - 1);
}

function indexInside6(next: i32, end: i32): void {
  for (let index = next + 1; index < end - 1; index += 2) {
    insertBoth(index);
    insertLong(index + 1);
  }
}

function take(index: i32, there: i32, found: i32): void {
  at = index;
  from = there;
  length = found;
}
