// The matcher of Go's compress/flate up to 1.26, level 1; src/deflate/go-legacy/fast-match.ts is its plain reference
// and says what each step is for. Everything lies at fixed places in memory; positions are indices of the buffer.
import { commonBytes } from '../shared/compare.ts';

const BLOCK: i32 = 65535;
const BUFFER: usize = 1024;
// By hash, side by side: the four bytes, and their position plus `current`.
const TABLE: usize = BUFFER + 2 * 65535 + 1026;
const TABLE_BYTES: usize = 8 * (1 << 14);
const TOKENS: usize = TABLE + TABLE_BYTES;
const WINDOW: i32 = 32768;
const MARGIN: i32 = 15;
const LONGEST: i32 = 258;
const LARGEST_POSITION: i32 = 0x7fffffff - 2 * 65535;

let previousBytes: i32 = 0;
let current: i32 = BLOCK;
let count: i32 = 0;

export function bufferAt(): usize {
  return BUFFER;
}

export function tokensAt(): usize {
  return TOKENS;
}

export function reset(): void {
  memory.fill(TABLE, 0, TABLE_BYTES);
  previousBytes = 0;
  current = BLOCK;
}

export function forget(): void {
  previousBytes = 0;
  current += WINDOW;
  if (current >= LARGEST_POSITION) shift();
}

export function match(size: i32): i32 {
  if (current >= LARGEST_POSITION) shift();
  count = 0;
  run(size);
  memory.copy(BUFFER + <usize>(BLOCK - size), BUFFER + <usize>BLOCK, <usize>size);
  previousBytes = size;
  current += size;
  return count;
}

@inline
function value(at: i32): u32 {
  return load<u32>(BUFFER + <usize>at);
}

@inline
function slotOf(word: u32): usize {
  return TABLE + (<usize>((word * 0x1e35a7bd) >> 18) << 3);
}

@inline
function put(slot: usize, word: u32, position: i32): void {
  store<u32>(slot, word);
  store<i32>(slot, position, 4);
}

@inline
function push(token: u32): void {
  store<u32>(TOKENS + (<usize>count << 2), token);
  count++;
}

function literals(first: i32, end: i32): void {
  for (let at = first; at < end; at++) push(<u32>load<u8>(BUFFER + <usize>at));
}

function run(size: i32): void {
  const toPosition = current - BLOCK;
  const end = BLOCK + size;
  const limit = end - MARGIN;
  let emitted = BLOCK;
  let at = BLOCK;
  let word = value(at);
  for (;;) {
    let skip: i32 = 32;
    let next = at;
    let candidate: i32 = 0;
    for (;;) {
      at = next;
      next = at + (skip >> 5);
      skip += skip >> 5;
      if (next > limit) {
        literals(emitted, end);
        return;
      }
      const slot = slotOf(word);
      const found = load<u32>(slot);
      candidate = load<i32>(slot, 4) - toPosition;
      put(slot, word, at + toPosition);
      if (found === word && at - candidate <= WINDOW) break;
      word = value(next);
    }
    literals(emitted, at);
    for (;;) {
      const length = 4 + extend(at + 4, candidate + 4, end);
      push((<u32>length << 16) | <u32>(at - candidate));
      at += length;
      emitted = at;
      if (at >= limit) {
        literals(emitted, end);
        return;
      }
      const before = value(at - 1);
      put(slotOf(before), before, at - 1 + toPosition);
      word = value(at);
      const slot = slotOf(word);
      const found = load<u32>(slot);
      candidate = load<i32>(slot, 4) - toPosition;
      put(slot, word, at + toPosition);
      if (found !== word || at - candidate > WINDOW) break;
    }
    at++;
    word = value(at);
  }
}

@inline
function extend(at: i32, from: i32, end: i32): i32 {
  if (from < BLOCK - previousBytes) return 0;
  return commonBytes(BUFFER + <usize>at, BUFFER + <usize>from, min(LONGEST - 4, end - at));
}

function shift(): void {
  if (previousBytes === 0) memory.fill(TABLE, 0, TABLE_BYTES);
  else {
    const keep = current - WINDOW - 1;
    for (let at = TABLE; at < TOKENS; at += 8) store<i32>(at, max(load<i32>(at, 4) - keep, 0), 4);
  }
  current = WINDOW + 1;
}
