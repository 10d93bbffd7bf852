// The matcher of zlib and GNU gzip; src/deflate/zlib/matcher.ts is its plain reference and says what each step is
// for. Everything lies at fixed places in memory; positions are indices of the buffer.
import { commonBytes } from '../shared/compare.ts';

const BUFFER: usize = 1024;
const BUFFER_BYTES: i32 = 65536;
const HEAD: usize = BUFFER + 65536 + 1024;
const PREVIOUS: usize = HEAD + 2 * 65536;
const TOKENS: usize = PREVIOUS + 2 * 32768;
const WINDOW: i32 = 32768;
const LOOKAHEAD: i32 = 262;
const REACH: i32 = WINDOW - LOOKAHEAD;
const LONGEST: i32 = 258;
const TOO_FAR: i32 = 4096;
const FEW_BYTES: i32 = 8192;
const ROLLING_15: i32 = 0;
const ROLLING_16: i32 = 1;

let isLazy: bool = false;
let good: i32 = 0;
let lazy: i32 = 0;
let nice: i32 = 0;
let chain: i32 = 0;
let hashKind: i32 = 0;
let hashBytes: i32 = 3;
let looksBeyond: bool = false;
let weighsBlocks: bool = false;
let blockTokens: i32 = 0;

let tokenCount: i32 = 0;
let index: i32 = 0;
let end: i32 = 0;
let owed: i32 = 0;
let blockStart: i32 = 0;
let blockEnd: i32 = 0;
let hasSlid: bool = false;
let length: i32 = 2;
let from: i32 = 0;
let literalPending: bool = false;
// Of the tokens of the block: matches, and the bits of their distances.
let matches: i32 = 0;
let distanceBits: i32 = 0;

export function bufferAt(): usize {
  return BUFFER;
}

export function tokensAt(): usize {
  return TOKENS;
}

export function configureLevel(isLazyLevel: bool, goodLength: i32, lazyLength: i32, niceLength: i32, tries: i32): void {
  isLazy = isLazyLevel;
  good = goodLength;
  lazy = lazyLength;
  nice = niceLength;
  chain = tries;
}

export function configureFlavour(kind: i32, kindBytes: i32, beyond: bool, weighs: bool, tokens: i32): void {
  hashKind = kind;
  hashBytes = kindBytes;
  looksBeyond = beyond;
  weighsBlocks = weighs;
  blockTokens = tokens;
}

// To be called before `reset` and before a dictionary is put. Of a stream of few bytes, all of which are there still,
// only what they put into the table is taken out.
export function clearHead(): void {
  if (hasSlid || end > FEW_BYTES) memory.fill(HEAD, 0, 2 * 65536);
  else for (let at = 0; at < end; at++) store<u16>(HEAD + (hashAt(at) << 1), 0);
  hasSlid = false;
}

// A new stream after the `count` bytes of dictionary that were put at the buffer's start.
export function reset(count: i32): void {
  index = count;
  end = count;
  blockStart = count;
  owed = count;
  startBlock();
  length = 2;
  literalPending = false;
}

// Where the next bytes go, after room was made for them.
export function endIndex(): i32 {
  return end;
}

export function filled(count: i32): void {
  end += count;
}

export function wantsSlide(): bool {
  return index >= WINDOW + REACH;
}

export function slide(): void {
  hasSlid = true;
  memory.copy(BUFFER, BUFFER + WINDOW, WINDOW);
  index -= WINDOW;
  end -= WINDOW;
  from -= WINDOW;
  blockStart -= WINDOW;
  for (let at: usize = HEAD; at < TOKENS; at += 2) {
    const entry = <i32>load<u16>(at);
    store<u16>(at, <u16>max(entry - WINDOW, 0));
  }
}

export function tokensHeld(): i32 {
  return tokenCount;
}

export function blockStartIndex(): i32 {
  return max(blockStart, -1);
}

export function blockEndIndex(): i32 {
  return blockEnd;
}

// Says that the block was taken.
export function taken(): void {
  blockStart = blockEnd;
  startBlock();
}

// To be called before a series of `run`s: puts into the table what could not be before.
export function indexOwed(): void {
  let at = index - owed;
  const last = min(index, end - hashBytes + 1);
  for (; at < last; at++) insert(at);
  owed = index - at;
}

// Goes on matching; 1 when a block ends (to be taken before the next call), 0 when there is no more to see.
export function run(toEnd: bool): i32 {
  if (isLazy ? runLazy(toEnd) : runGreedy(toEnd)) return 1;
  if (toEnd) owed = min(index, hashBytes - 1);
  return 0;
}

// What is beyond the end of the last bytes, where matches may be compared.
export function clearBeyond(): void {
  memory.fill(BUFFER + <usize>end, 0, 2);
}

// After the last byte before a flush: the pending literal, and the block's end.
export function finishBlock(): void {
  if (literalPending) {
    push(<u32>load<u8>(BUFFER + <usize>(index - 1)));
    literalPending = false;
  }
  blockEnd = index;
  length = 2;
}

@inline
function startBlock(): void {
  tokenCount = 0;
  matches = 0;
  distanceBits = 0;
}

@inline
function push(token: u32): void {
  store<u32>(TOKENS + (<usize>tokenCount << 2), token);
  tokenCount++;
}

@inline
function pushMatch(size: i32, distance: i32): void {
  push((<u32>size << 16) | <u32>distance);
  if (!weighsBlocks) return;
  matches++;
  distanceBits += 5 + (distance <= 4 ? 0 : 30 - clz(distance - 1));
}

@inline
function endsBlock(plainBytes: i32): bool {
  if (weighsBlocks && (tokenCount & 0xfff) === 0) {
    const bits = tokenCount * 8 + distanceBits;
    if (matches < tokenCount >> 1 && bits >>> 3 < plainBytes >> 1) return true;
  }
  return tokenCount === blockTokens;
}

@inline
function hashAt(at: i32): usize {
  const word = load<u32>(BUFFER + <usize>at);
  if (hashKind <= ROLLING_16) {
    const first = word & 0xff;
    const second = (word >> 8) & 0xff;
    const third = (word >> 16) & 0xff;
    if (hashKind === ROLLING_15) return <usize>(((first << 10) ^ (second << 5) ^ third) & 0x7fff);
    return <usize>(((first << 12) ^ (second << 6) ^ third) & 0xffff);
  }
  return <usize>(((word * 66521 + 66521) >> 16) & 0x7fff);
}

@inline
function insert(at: i32): i32 {
  const slot = HEAD + (hashAt(at) << 1);
  const head = load<u16>(slot);
  store<u16>(PREVIOUS + (<usize>(at & 32767) << 1), head);
  store<u16>(slot, <u16>at);
  return <i32>head;
}

function runLazy(toEnd: bool): bool {
  const stop = toEnd ? end : end - LOOKAHEAD + 1;
  const lastInsert = end - hashBytes;
  while (index < stop) {
    const head = index <= lastInsert ? insert(index) : 0;
    const lastLength = length;
    const lastFrom = from;
    length = 2;
    if (head !== 0 && lastLength < lazy && index - head <= REACH) {
      length = search(head, lastLength);
      if (length === 3 && index - from > TOO_FAR) length = 2;
    }
    if (lastLength >= 3 && length <= lastLength) {
      pushMatch(lastLength, index - 1 - lastFrom);
      const ends = endsBlock(index - blockStart);
      const next = index + lastLength - 1;
      const insertEnd = min(next - 1, lastInsert);
      for (let at = index + 1; at <= insertEnd; at++) insert(at);
      index = next;
      literalPending = false;
      length = 2;
      if (ends) {
        blockEnd = next;
        return true;
      }
    } else if (literalPending) {
      push(<u32>load<u8>(BUFFER + <usize>(index - 1)));
      const ends = endsBlock(index - blockStart);
      index++;
      if (ends) {
        blockEnd = index - 1;
        return true;
      }
    } else {
      literalPending = true;
      index++;
    }
  }
  return false;
}

function runGreedy(toEnd: bool): bool {
  const stop = toEnd ? end : end - LOOKAHEAD + 1;
  const lastInsert = end - hashBytes;
  while (index < stop) {
    const head = index <= lastInsert ? insert(index) : 0;
    const found = head !== 0 && index - head <= REACH ? search(head, 2) : 2;
    let next = index + 1;
    if (found >= 3) {
      pushMatch(found, index - from);
      next = index + found;
      if (found <= lazy && next <= lastInsert) {
        for (let at = index + 1; at < next; at++) insert(at);
      }
    } else push(<u32>load<u8>(BUFFER + <usize>index));
    const ends = endsBlock(index - blockStart);
    index = next;
    if (ends) {
      blockEnd = next;
      return true;
    }
  }
  return false;
}

// The length of the longest match at the index that beats `least`, else `least`; its place goes to `from`.
function search(head: i32, least: i32): i32 {
  const look = end - index;
  const limit = looksBeyond ? LONGEST : min(look, LONGEST);
  const lowest = max(index - REACH, 0);
  const wantedLength = looksBeyond ? nice : min(nice, look);
  const here = BUFFER + <usize>index;
  const first = load<u16>(here);
  let tries = least >= good ? chain >> 2 : chain;
  let best = least;
  let wanted = load<u16>(here + <usize>(best - 1));
  let at = head;
  do {
    const there = BUFFER + <usize>at;
    // No match of fewer than three bytes is wanted, so the first two must be the same as well.
    if (load<u16>(there + <usize>(best - 1)) === wanted && load<u16>(there) === first) {
      const found = commonBytes(here, there, limit);
      if (found > best) {
        from = at;
        best = found;
        if (found >= wantedLength) break;
        wanted = load<u16>(here + <usize>(best - 1));
      }
    }
    at = <i32>load<u16>(PREVIOUS + (<usize>(at & 32767) << 1));
  } while (at > lowest && --tries !== 0);
  return min(best, look);
}
