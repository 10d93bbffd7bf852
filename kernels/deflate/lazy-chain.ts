// The matcher of levels 7 to 9 of Go 1.27's encoder; src/deflate/go-modern/lazy.ts is its plain reference and says
// what each step is for. Everything lies at fixed places in memory; positions are indices of the buffer. Blocks that
// end during a run are listed, and taken after it.
import { commonBytes } from '../shared/compare.ts';

const BUFFER: usize = 1024;
const BUFFER_BYTES: i32 = 65536;
const HEAD: usize = BUFFER + 65536 + 1024;
const PREVIOUS: usize = HEAD + 4 * (1 << 17);
const TABLE_BYTES: usize = 4 * (1 << 17) + 4 * 32768;
// Code lengths of bytes as literals.
const WEIGHTS: usize = PREVIOUS + 4 * 32768;
// Per ended block three numbers: where its tokens end, and where its bytes start and end.
const BLOCKS: usize = WEIGHTS + 256;
const TOKENS: usize = BLOCKS + 1024;
const WINDOW: i32 = 32768;
const LONGEST: i32 = 258;
const LOOKAHEAD: i32 = 4 + LONGEST;
const BLOCK_TOKENS: i32 = 32768;
const LARGEST_BASE: i32 = 1 << 28;
const SKIPPED: i32 = 2;
const LEAST_GAIN: i32 = 4;
const BASE_COST: i32 = 3;

let lazy: i32 = 0;
let nice: i32 = 0;
let chain: i32 = 0;
let tokenCount: i32 = 0;
let blockCount: i32 = 0;
// Tokens of blocks that have ended.
let endedTokens: i32 = 0;
let index: i32 = 0;
let end: i32 = 0;
let base: i32 = 1;
let chainHead: i32 = -1;
let length: i32 = 3;
let distance: i32 = 0;
let literalPending: bool = false;
let blockStart: i32 = 0;
let literalRun: i32 = 0;
let maxInsert: i32 = 0;

export function bufferAt(): usize {
  return BUFFER;
}

export function weightsAt(): usize {
  return WEIGHTS;
}

export function blocksAt(): usize {
  return BLOCKS;
}

export function tokensAt(): usize {
  return TOKENS;
}

export function configure(lazyLength: i32, niceLength: i32, tries: i32): void {
  lazy = lazyLength;
  nice = niceLength;
  chain = tries;
}

export function reset(): void {
  base += BUFFER_BYTES;
  if (base > LARGEST_BASE) {
    memory.fill(HEAD, 0, TABLE_BYTES);
    base = 1;
  }
  tokenCount = 0;
  blockCount = 0;
  endedTokens = 0;
  index = 0;
  end = 0;
  chainHead = -1;
  length = 3;
  distance = 0;
  literalPending = false;
  blockStart = 0;
  literalRun = 0;
}

export function startIndex(): i32 {
  return index;
}

export function endIndex(): i32 {
  return end;
}

export function filled(count: i32): void {
  end += count;
}

export function wantsSlide(): bool {
  return index >= BUFFER_BYTES - LOOKAHEAD;
}

export function slide(): void {
  memory.copy(BUFFER, BUFFER + WINDOW, WINDOW);
  index -= WINDOW;
  end -= WINDOW;
  blockStart = blockStart >= WINDOW ? blockStart - WINDOW : 0x7fffffff;
  base += WINDOW;
  if (base <= LARGEST_BASE) return;
  const delta = base - 1;
  base = 1;
  chainHead -= delta;
  for (let at = HEAD; at < HEAD + TABLE_BYTES; at += 4) store<i32>(at, max(load<i32>(at) - delta, 0));
}

// How many blocks have ended.
export function blocksEnded(): i32 {
  return blockCount;
}

// Says that all of them were taken; the tokens of the next move to the front.
export function taken(): void {
  const rest = tokenCount - endedTokens;
  memory.copy(TOKENS, TOKENS + (<usize>endedTokens << 2), <usize>rest << 2);
  tokenCount = rest;
  endedTokens = 0;
  blockCount = 0;
}

// After a run to the end: the literal that waits, and the block's end.
export function finishBlock(): void {
  if (literalPending) {
    push(<u32>load<u8>(BUFFER + <usize>(index - 1)));
    literalPending = false;
  }
  if (tokenCount > endedTokens) endBlock();
}

// Matches as far as can be seen, or with `toEnd` to the last byte.
export function run(toEnd: bool): void {
  if (end - index < LOOKAHEAD && !toEnd) return;
  maxInsert = end - 3;
  const stop = toEnd ? end : end - LOOKAHEAD + 1;
  while (index < stop) {
    if (index < maxInsert) chainHead = insert(index);
    const lastLength = length;
    const lastDistance = distance;
    length = 3;
    distance = 0;
    const lowest = max(index - WINDOW, 0);
    const look = end - index;
    const candidate = chainHead - base;
    if (candidate >= lowest && look > lastLength && lastLength < lazy) search(candidate, look, lowest);
    if (lastLength >= 4 && length <= lastLength) endMatch(lastLength, lastDistance, look, lowest);
    else passByte();
  }
}

@inline
function hashAt(at: i32): usize {
  return HEAD + (<usize>((load<u32>(BUFFER + <usize>at) * 0x9e3779b1) >> 15) << 2);
}

// Puts a position in the table; returns what its hash had before.
@inline
function insert(at: i32): i32 {
  const slot = hashAt(at);
  const head = load<i32>(slot);
  store<i32>(PREVIOUS + (<usize>(at & 32767) << 2), head);
  store<i32>(slot, at + base);
  return head;
}

@inline
function push(token: u32): void {
  store<u32>(TOKENS + (<usize>tokenCount << 2), token);
  tokenCount++;
}

// Ends the block if it is full.
@inline
function endFull(): void {
  if (tokenCount - endedTokens === BLOCK_TOKENS) endBlock();
}

function endBlock(): void {
  const entry = BLOCKS + <usize>(12 * blockCount);
  store<i32>(entry, tokenCount);
  store<i32>(entry, blockStart <= index ? blockStart : -1, 4);
  store<i32>(entry, index, 8);
  blockCount++;
  endedTokens = tokenCount;
  blockStart = index;
}

@inline
function byteAt(at: i32): u32 {
  return <u32>load<u8>(BUFFER + <usize>at);
}

// Sends the byte before the index.
@inline
function pushLiteral(): void {
  push(byteAt(index - 1));
  endFull();
}

function endMatch(lastLength: i32, lastDistance: i32, look: i32, lowest: i32): void {
  const start = index - 1;
  let size = lastLength;
  let far = lastDistance;
  if (size < LONGEST - SKIPPED && start + size < maxInsert) {
    const most = min(look, LONGEST + SKIPPED);
    const from = load<i32>(hashAt(start + size)) - base - size;
    if (start - from !== far && from > lowest + SKIPPED) {
      const one = BUFFER + <usize>(start + SKIPPED);
      const found = commonBytes(one, BUFFER + <usize>(from + SKIPPED), most - SKIPPED);
      if (found > size) {
        far = start - from;
        size = growBack(start, from, found);
      }
    }
  }
  push((<u32>size << 16) | <u32>far);
  const next = index + size - 1;
  const insertEnd = min(next, maxInsert);
  for (let at = index + 1; at < insertEnd; at++) insert(at);
  index = next;
  literalPending = false;
  length = 3;
  endFull();
  literalRun = 0;
}

function growBack(start: i32, from: i32, found: i32): i32 {
  let size = found;
  for (let skip = SKIPPED - 1; skip >= 0; skip--) {
    if (size < LONGEST && byteAt(start + skip) === byteAt(from + skip)) {
      size++;
      continue;
    }
    for (let owed = 0; owed <= skip; owed++) {
      push(byteAt(start + owed));
      endFull();
      index++;
      if (index < maxInsert) chainHead = insert(index);
    }
    break;
  }
  return size;
}

function passByte(): void {
  if (length >= 4) literalRun = 0;
  if (!literalPending) {
    index++;
    literalPending = true;
    return;
  }
  literalRun = (literalRun + 1) & 0xffff;
  pushLiteral();
  index++;
  const tooMany = literalRun - chain;
  if (tooMany <= 0) return;
  for (let left = 1 + (tooMany >> 6); left > 0 && index < end - 1; left--) {
    pushLiteral();
    if (index < maxInsert) chainHead = insert(index);
    index++;
  }
  pushLiteral();
  literalPending = false;
}

function search(candidate: i32, look: i32, lowest: i32): void {
  const limit = min(look, LONGEST);
  const wantedLength = min(nice, limit);
  const weighs = chain >= 100;
  const here = BUFFER + <usize>index;
  let best: i32 = 3;
  let gain = LEAST_GAIN;
  let wanted = load<u8>(here + <usize>best);
  let at = candidate;
  for (let tries = chain; tries > 0; tries--) {
    const there = BUFFER + <usize>at;
    if (load<u8>(there + <usize>best) === wanted) {
      const found = commonBytes(here, there, limit);
      if (found > best) {
        const newGain = weighs ? gainOf(found, index - at) : gain + 1;
        if (newGain > gain) {
          gain = newGain;
          best = found;
          length = found;
          distance = index - at;
          if (found >= wantedLength) return;
          wanted = load<u8>(here + <usize>best);
        }
      }
    }
    if (at <= lowest) return;
    at = load<i32>(PREVIOUS + (<usize>(at & 32767) << 2)) - base;
    if (at < lowest) return;
  }
}

function gainOf(size: i32, far: i32): i32 {
  let bits: i32 = 0;
  for (let at = index; at < index + size; at++) {
    bits += max(<i32>load<u8>(WEIGHTS + <usize>byteAt(at)), 1);
  }
  return bits - distanceCost(far) - lengthCost(size) - BASE_COST;
}

// Extra bits of the distance one farther; of 32768 those of a table that wraps around.
@inline
function distanceCost(far: i32): i32 {
  if (far === WINDOW) return 6;
  return far <= 3 ? 0 : 30 - clz(far);
}

@inline
function lengthCost(size: i32): i32 {
  return size <= 10 || size === LONGEST ? 0 : 29 - clz(size - 3);
}
