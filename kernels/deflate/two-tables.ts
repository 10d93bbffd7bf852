// The matcher of levels 5 and 6 of Go 1.27's encoder; src/deflate/go-modern/level5.ts is its plain reference and
// says what each step is for. Everything lies at fixed places in memory; positions are indices of the buffer.

const BUFFER: usize = 1024;
const BUFFER_BYTES: i32 = 327675;
const SHORT: usize = BUFFER + 327675 + 1029;
const LONG: usize = SHORT + 4 * 32768;
const LONG_BEFORE: usize = LONG + 4 * 32768;
const TOKENS: usize = LONG_BEFORE + 4 * 32768;
const REACH: i32 = 32768;
const MARGIN: i32 = 11;
const LONGEST: i32 = 258;
const LARGEST_POSITION: i32 = 0x7fffffff - 327675 - 65535;
const PRIME7: u64 = (<u64>0xcf1bbc << 32) | 0xdcbfa563;

let isLevel6: bool = false;
let looksAtEnd: bool = true;
let skipped: i32 = 2;
let longestPart: i32 = 258;
let size: i32 = 0;
let current: i32 = 65535;
let count: i32 = 0;
let repeat: i32 = 1;
let at: i32 = 0;
let from: i32 = 0;
let length: i32 = 0;

export function tokensAt(): usize {
  return TOKENS;
}

export function configure(level: i32, atEnd: bool, skip: i32, part: i32): void {
  isLevel6 = level === 6;
  looksAtEnd = atEnd;
  skipped = skip;
  longestPart = part;
}

export function clear(): void {
  memory.fill(SHORT, 0, 3 * 4 * 32768);
  size = 0;
  current = 65535;
}

export function forget(): void {
  current += REACH + size;
  size = 0;
}

// Makes room for a block; returns the address where it must be put before `encode`.
export function prepare(blockBytes: i32): usize {
  if (current >= LARGEST_POSITION) shift();
  if (size + blockBytes > BUFFER_BYTES) {
    const dropped = size - REACH;
    memory.copy(BUFFER, BUFFER + <usize>dropped, REACH);
    current += dropped;
    size = REACH;
  }
  return BUFFER + <usize>size;
}

// Matches the block that was put; returns the count of its tokens.
export function encode(blockBytes: i32): i32 {
  const start = size;
  size += blockBytes;
  count = 0;
  if (blockBytes >= 13) run(start);
  return count;
}

function shift(): void {
  const keep = current - REACH;
  const lowest = size === 0 ? 0x7fffffff : current + size - REACH;
  for (let slot: usize = SHORT; slot < TOKENS; slot += 4) {
    const entry = load<i32>(slot);
    store<i32>(slot, entry <= lowest ? 0 : entry - keep);
  }
  current = REACH;
}

@inline
function value(index: i32): u32 {
  return load<u32>(BUFFER + <usize>index);
}

@inline
function shortSlot(index: i32): usize {
  return SHORT + (<usize>((value(index) * 0x9e3779b1) >> 17) << 2);
}

@inline
function longSlot(index: i32): usize {
  const bytes = load<u64>(BUFFER + <usize>index) << 8;
  return LONG + (<usize>((bytes * PRIME7) >> 49) << 2);
}

@inline
function insertShort(index: i32): void {
  store<i32>(shortSlot(index), index + current);
}

@inline
function insertLong(index: i32): void {
  const slot = longSlot(index);
  store<i32>(slot + (LONG_BEFORE - LONG), load<i32>(slot));
  store<i32>(slot, index + current);
}

@inline
function insertBoth(index: i32): void {
  insertShort(index);
  insertLong(index);
}

function common(here: i32, there: i32, end: i32): i32 {
  const most = end - here;
  let same: i32 = 0;
  const one = BUFFER + <usize>here;
  const other = BUFFER + <usize>there;
  while (same + 8 <= most) {
    const difference = load<u64>(one + <usize>same) ^ load<u64>(other + <usize>same);
    if (difference !== 0) return same + <i32>(ctz(difference) >> 3);
    same += 8;
  }
  while (same < most && load<u8>(one + <usize>same) === load<u8>(other + <usize>same)) same++;
  return same;
}

@inline
function capped(here: i32, there: i32, end: i32): i32 {
  return common(here, there, min(end, here + LONGEST));
}

@inline
function push(token: u32): void {
  store<u32>(TOKENS + (<usize>count << 2), token);
  count++;
}

function literals(first: i32, end: i32): void {
  for (let index = first; index < end; index++) push(<u32>load<u8>(BUFFER + <usize>index));
}

function pushMatch(total: i32, distance: i32): void {
  let left = total;
  while (left > 0) {
    let part = left;
    if (left > LONGEST) part = left > LONGEST + 3 ? longestPart : LONGEST - 3;
    push((<u32>part << 16) | <u32>distance);
    left -= part;
  }
}

function remainder(emitted: i32): void {
  if (count > 0) literals(emitted, size);
}

function run(start: i32): void {
  const end = size;
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
  const short = shortSlot(index);
  const long = longSlot(index);
  const shortFrom = load<i32>(short) - current;
  const longFrom = load<i32>(long) - current;
  const beforeFrom = load<i32>(long + (LONG_BEFORE - LONG)) - current;
  store<i32>(short, index + current);
  store<i32>(long + (LONG_BEFORE - LONG), load<i32>(long));
  store<i32>(long, index + current);
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
  const slot = longSlot(next);
  const longFrom = load<i32>(slot) - current;
  const beforeFrom = load<i32>(slot + (LONG_BEFORE - LONG)) - current;
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
  const slot = longSlot(after);
  const index = at + skipped;
  const first = load<i32>(slot) - current - length + skipped;
  if (index - first >= REACH) return;
  const before = load<i32>(slot + (LONG_BEFORE - LONG)) - current;
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
  while (from > 0 && at > emitted && load<u8>(BUFFER + <usize>(from - 1)) === load<u8>(BUFFER + <usize>(at - 1))) {
    at--;
    from--;
    length++;
  }
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
