// What the fast levels of Go 1.27's encoder share, as src/deflate/go-modern/history.ts has it: the buffer of past and
// present bytes, tables of positions, and the tokens of a block. Positions are indices of the buffer.
import { commonBytes } from './compare.ts';

export const BUFFER: usize = 1024;
const BUFFER_BYTES: i32 = 327675;
// Room for the tables of any level; a level uses the first `tableBytes` of it.
export const TABLES: usize = BUFFER + 327675 + 1029;
const MOST_TABLE_BYTES: usize = 4 * 2 * 65536;
const TOKENS: usize = TABLES + MOST_TABLE_BYTES;
export const REACH: i32 = 32768;
export const MARGIN: i32 = 11;
export const LONGEST: i32 = 258;
const SHORTEST_BLOCK: i32 = 13;
const LARGEST_POSITION: i32 = 0x7fffffff - 327675 - 65535;
const PRIME4: u32 = 0x9e3779b1;
const PRIME5: u64 = 0xcf1bbcdcbb;
const PRIME7: u64 = (<u64>0xcf1bbc << 32) | 0xdcbfa563;

let tableBytes: usize = 0;
let longestPart: i32 = LONGEST;
let size: i32 = 0;
// A table's entry for index `i` of the buffer is `i + current`.
let current: i32 = 65535;
let count: i32 = 0;

export function setUp(bytes: usize, part: i32): void {
  tableBytes = bytes;
  longestPart = part;
}

export function tokensAt(): usize {
  return TOKENS;
}

export function clear(): void {
  memory.fill(TABLES, 0, tableBytes);
  size = 0;
  current = 65535;
}

export function forget(): void {
  if (current <= LARGEST_POSITION) current += REACH + size;
  size = 0;
}

// Makes room for a block; returns the address where it must be put before it is matched.
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

// Takes the block that was put; returns its index, or -1 when it is too short to be searched.
export function begin(blockBytes: i32): i32 {
  const start = size;
  size += blockBytes;
  count = 0;
  return blockBytes >= SHORTEST_BLOCK ? start : -1;
}

@inline
export function endIndex(): i32 {
  return size;
}

@inline
export function tokenCount(): i32 {
  return count;
}

function shift(): void {
  const keep = current - REACH;
  const lowest = size === 0 ? 0x7fffffff : current + size - REACH;
  for (let slot = TABLES; slot < TABLES + tableBytes; slot += 4) {
    const entry = load<i32>(slot);
    store<i32>(slot, entry <= lowest ? 0 : entry - keep);
  }
  current = REACH;
}

@inline
export function value(index: i32): u32 {
  return load<u32>(BUFFER + <usize>index);
}

// The index that an entry of a table stands for.
@inline
export function indexIn(slot: usize): i32 {
  return load<i32>(slot) - current;
}

@inline
export function put(slot: usize, index: i32): void {
  store<i32>(slot, index + current);
}

// The address of the slot in the table at `table`, of 15 bits from 4 bytes.
@inline
export function slot4(table: usize, index: i32): usize {
  return table + (<usize>((value(index) * PRIME4) >> 17) << 2);
}

// The same of `bits` bits from 5 bytes.
@inline
export function slot5(table: usize, index: i32, bits: u64): usize {
  const bytes = load<u64>(BUFFER + <usize>index) << 24;
  return table + (<usize>((bytes * PRIME5) >> (64 - bits)) << 2);
}

// The same of 4 bytes and a zero.
@inline
export function slot4as5(table: usize, index: i32, bits: u64): usize {
  const bytes = <u64>value(index) << 24;
  return table + (<usize>((bytes * PRIME5) >> (64 - bits)) << 2);
}

// The same of 15 bits from 7 bytes.
@inline
export function slot7(table: usize, index: i32): usize {
  const bytes = load<u64>(BUFFER + <usize>index) << 8;
  return table + (<usize>((bytes * PRIME7) >> 49) << 2);
}

// How many bytes are equal from two indices on, up to index `end` of the first.
@inline
export function common(here: i32, there: i32, end: i32): i32 {
  return commonBytes(BUFFER + <usize>here, BUFFER + <usize>there, end - here);
}

// How many bytes before two indices are equal, down to index `emitted` of the first.
export function commonBefore(here: i32, there: i32, emitted: i32): i32 {
  const most = min(here - emitted, there);
  let same: i32 = 0;
  const one = BUFFER + <usize>here - 1;
  const other = BUFFER + <usize>there - 1;
  while (same < most && load<u8>(one - <usize>same) === load<u8>(other - <usize>same)) same++;
  return same;
}

@inline
function push(token: u32): void {
  store<u32>(TOKENS + (<usize>count << 2), token);
  count++;
}

export function literals(first: i32, end: i32): void {
  for (let index = first; index < end; index++) push(<u32>load<u8>(BUFFER + <usize>index));
}

// A match of any length, cut into what DEFLATE can say.
export function pushMatch(total: i32, distance: i32): void {
  let left = total;
  while (left > 0) {
    let part = left;
    if (left > LONGEST) part = left > LONGEST + 3 ? longestPart : LONGEST - 3;
    push((<u32>part << 16) | <u32>distance);
    left -= part;
  }
}

// The literals after the last match; a block without a match keeps no tokens at all.
export function remainder(emitted: i32): void {
  if (count > 0) literals(emitted, size);
}
