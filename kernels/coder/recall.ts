// The recalling coder of docs/coder.md: the hot loop behind src/kernels/recall.ts. The plain reference is
// src/kernels/recall-model.ts. Its caller has put the tables of mix-tables.ts in place, and moves bytes in and out of
// the window, and of the buffer at `codedAt`.
// Compiled with --initialMemory 32 --enable simd.
import { between, fillRows, hash, POINTS, SQUASH, squash, STRETCH, TABLES_END, towards } from '../shared/chances';
import {
  FIRST_COUNTER,
  findSlot,
  learned,
  moved,
  RATES_BYTES,
  ratesOf,
  stretchedAt,
  stretchedSum,
} from '../shared/small-counters';

const GUESSES: usize = 3;
// Of each guess: its distance (0: there is none), its length, its misses, and what it is ranked by.
const GUESS_BYTES: usize = 16;
const SURE: i32 = 16;
// What a guess that was long keeps of its length when it is wrong once: it is mostly right again.
const MOST_KEPT: i32 = 12;
const LOOKED_FOR: i32 = 16;
const LONGEST: i32 = 65535;
const COMPARED: i32 = 32;
const ORDERS: usize = 3;
const FACTOR: u32 = 0x2f0b4c47;
// Of a position, so many bits are noted: no window has more.
const NOTED_BITS: u32 = 23;
const CHECK_FACTOR: u32 = 0x85ebca6b;
const CONTEXTS: usize = 4;
// Four weights.
const SET_BYTES: usize = 8;
const FIRST_FLAG_WEIGHT: i16 = 5000;
const FIRST_BYTE_WEIGHT: i16 = 6250;
// A check, and a counter for each node of a tree of four bits.
const SLOT_BYTES: usize = 32;
// How long a run is, by the length of the guess from which it is.
const SHORT_RUN: i32 = 16;
const RUN: i32 = 32;
const LONG_RUN: i32 = 64;
// The kinds of flags, besides the two of guesses.
const RUN_FLAG: u32 = 2;
const LEFT_FLAG: u32 = 3;
const GUESS_LEARNING: i32 = 2;
const BYTE_LEARNING: i32 = 8;
// Chances of refiners move by a 32nd.
const SHARE: i32 = 5;
const SLACK: usize = 64;
const SLIDE: usize = 1 << 19;
const CODED_BYTES: usize = 1 << 16;
// Coded bytes that one step takes at most: four for each of eleven bits, where the range is smallest, and some more.
const MOST_CODED: usize = 48;

// Rates of the counters by kind: of a flag's past, of its cells, and of the bits of new bytes.
const PAST_RATES: usize = TABLES_END;
const CELL_RATES: usize = PAST_RATES + RATES_BYTES;
const BIT_RATES: usize = CELL_RATES + RATES_BYTES;
const CLASSES: usize = BIT_RATES + RATES_BYTES;
const WORDS: usize = CLASSES + 512;
const HASHES: usize = WORDS + 256;
const PLACES: usize = HASHES + 4 * CONTEXTS;
const READ: usize = PLACES + 4 * CONTEXTS;
const GUESS: usize = READ + 16;
const INDEX: usize = GUESS + 64;
const GUESS_WEIGHTS: usize = 24576;
const FIRST: usize = GUESS_WEIGHTS + 1024 * SET_BYTES;
const SECOND: usize = FIRST + 9 * 256 * SET_BYTES;
const GUESS_REFINER: usize = SECOND + 256 * 8 * SET_BYTES;
const BYTE_REFINER: usize = GUESS_REFINER + 2 * 33 * 8320;
const PASTS: usize = (BYTE_REFINER + 2 * 33 * 768 + 63) & ~63;
const CODED: usize = PASTS + 2 * 12416;
const TABLE: usize = (CODED + CODED_BYTES + SLACK + 63) & ~63;

// What grows with the window: how many bits number its cells, slots and places, and where they stand.
let cellShift: u32 = 0;
let slotShift: u32 = 0;
let placeShift: u32 = 0;
let slots: usize = 0;
let heads: usize = 0;
let window: usize = 0;
let windowBytes: i32 = 0;
// Where the byte of position 0 would stand.
let origin: usize = 0;
// Where the window can't grow any more.
let roof: usize = 0;
let position: i32 = 0;
let last: u32 = 0;
let word: u32 = 0;
let rolled0: u32 = 0;
let rolled1: u32 = 0;
let rolled2: u32 = 0;
// Bytes up to here are in the window: an encoder may hold some that are to be coded.
let filled: i32 = 0;
let isEnding: bool = false;
// Bytes that are still to be made of a run that is right as a whole.
let running: i32 = 0;
// Bytes up to the end of a run in which there is a wrong one, not made yet.
let left: i32 = 0;
// Of the arithmetic coder.
let isDecoder: bool = false;
let low: u32 = 0;
let high: u32 = 0;
let code: u32 = 0;
let input: usize = 0;
let inputEnd: usize = 0;
let output: usize = 0;
let pastEnd: i32 = 0;

export function squashAt(): usize {
  return SQUASH;
}

export function stretchAt(): usize {
  return STRETCH;
}

export function ratesAt(): usize {
  return PAST_RATES;
}

export function classesAt(): usize {
  return CLASSES;
}

export function wordsAt(): usize {
  return WORDS;
}

export function codedAt(): usize {
  return CODED;
}

// Where the next plain byte is to be put, or will be made.
export function plainAt(): usize {
  return origin + <usize>filled;
}

// How much memory a window of so many bits takes.
export function memoryFor(windowBits: i32): usize {
  return (
    TABLE +
    (<usize>2 << (windowBits - 3)) +
    (<usize>4 << (windowBits - 5)) * ORDERS +
    (<usize>SLOT_BYTES << (windowBits - 7)) +
    (<usize>1 << windowBits) +
    SLIDE +
    2 * SLACK
  );
}

// Makes everything as it is before the first byte of a stream; there is memory for the window.
export function start(decodes: bool, windowBits: i32): void {
  isDecoder = decodes;
  windowBytes = 1 << windowBits;
  const cellBits = windowBits - 3;
  const placeBits = windowBits - 5;
  const slotBits = windowBits - 7;
  cellShift = 32 - cellBits;
  placeShift = 32 - placeBits;
  slotShift = 32 - slotBits;
  slots = TABLE + (<usize>2 << cellBits);
  heads = slots + (SLOT_BYTES << slotBits);
  window = heads + ORDERS * (<usize>4 << placeBits) + SLACK;
  origin = window;
  roof = window + <usize>windowBytes + SLIDE;
  position = filled = running = left = 0;
  isEnding = false;
  last = word = rolled0 = rolled1 = rolled2 = 0;
  low = 0;
  high = 0xffffffff;
  code = 0;
  pastEnd = 0;
  memory.fill(HASHES, 0, GUESS_WEIGHTS - HASHES);
  for (let at = GUESS_WEIGHTS; at < FIRST; at += 2) store<i16>(at, FIRST_FLAG_WEIGHT);
  for (let at = FIRST; at < GUESS_REFINER; at += 2) store<i16>(at, FIRST_BYTE_WEIGHT);
  fillRows(GUESS_REFINER, BYTE_REFINER + 2 * 33 * 768);
  for (let at = PASTS; at < CODED; at += 2) store<u16>(at, FIRST_COUNTER);
  for (let at = TABLE; at < slots; at += 2) store<u16>(at, FIRST_COUNTER);
  memory.fill(slots, 0, window - slots);
}

// How many bytes may be put at `plainAt`, or made there, at once: 1 or more.
export function room(): i32 {
  const here = plainAt();
  if (here >= roof) {
    // All but the window goes, as seen from the first byte that isn't coded.
    const kept = <usize>windowBytes + LONG_RUN;
    memory.copy(window, here - kept, kept);
    origin = window + kept - <usize>filled;
  }
  const most = roof - plainAt();
  return <i32>(isDecoder ? most : min<usize>(most, CODED_BYTES / MOST_CODED));
}

// Takes the `count` bytes that stand at `plainAt`, and codes what can be; gives how many bytes at `codedAt` are ready.
export function encode(count: i32): i32 {
  output = CODED;
  filled += count;
  while (position < filled && codeNext()) {}
  return <i32>(output - CODED);
}

// Codes what is left at the end; gives how many bytes at `codedAt` that takes.
export function finish(): i32 {
  output = CODED;
  isEnding = true;
  while (position < filled && codeNext()) {}
  store<u8>(output, <u8>((<u64>low + 0xffffff) >> 24));
  output++;
  return <i32>(output - CODED);
}

// Codes the next bytes of those that were given; false when more have to be given before.
function codeNext(): bool {
  const most = runLength();
  if (most !== 0) {
    const ready = min(most, filled - position);
    const right = sameFrom(ready);
    if (right === ready && ready < most && !isEnding) return false;
    if (codeRun(most, right === ready ? 1 : 0) !== 0) {
      skip(ready);
      return true;
    }
    left = most;
  }
  codeByte(<i32>load<u8>(origin + <usize>position));
  return true;
}

// Makes up to `most` of the next bytes; gives how many.
function makeNext(most: i32): i32 {
  if (running === 0) {
    const length = runLength();
    if (length !== 0) {
      if (codeRun(length, 0) !== 0) running = length;
      else left = length;
    }
  }
  const here = origin + <usize>position;
  if (running === 0) {
    store<u8>(here, <u8>codeByte(0));
    return 1;
  }
  const count = min(running, most);
  const distance = <usize>load<u32>(GUESS);
  for (let at = here; at < here + <usize>count; at++) store<u8>(at, load<u8>(at - distance));
  skip(count);
  running -= count;
  return count;
}

// How many of the next bytes are said at once to be those of the first guess, or not; 0 where none are.
@inline
function runLength(): i32 {
  const length = load<i32>(GUESS, 4);
  if (left !== 0 || load<u32>(GUESS) === 0 || length < SURE) return 0;
  return length < 48 ? SHORT_RUN : length < 96 ? RUN : LONG_RUN;
}

// How many of the next bytes, up to `most`, the first guess has right.
@inline
function sameFrom(most: i32): i32 {
  const here = origin + <usize>position;
  const distance = <usize>load<u32>(GUESS);
  let same = 0;
  while (same < most && load<u8>(here + <usize>same) === load<u8>(here + <usize>same - distance)) same++;
  return same;
}

// Goes on behind bytes that the first guess had right.
function skip(count: i32): void {
  const here = origin + <usize>position;
  const end = here + <usize>count;
  for (let at = here; at < end; at++) goOnWord(load<u8>(at));
  // Of those, no hash has more than the last 16.
  for (let at = end - 16; at < end; at++) roll(load<u8>(at));
  last = bswap<u32>(load<u32>(end - 4));
  position += count;
  if (isDecoder) filled = position;
  store<i32>(GUESS, min(load<i32>(GUESS, 4) + count, LONGEST), 4);
  store<u32>(GUESS, count > 31 ? 0 : load<u32>(GUESS, 8) << count, 8);
}

// Takes the first four coded bytes at `codedAt`, or as many as there are.
export function begin(size: i32): void {
  input = CODED;
  inputEnd = CODED + <usize>size;
  for (let i = 0; i < 4; i++) takeByte();
}

// Goes on with `size` coded bytes at `codedAt`, and makes up to `count` bytes at `plainAt`: fewer when so little is left
// of the coded ones that the next byte may need more, unless they are the last. Gives how many it made.
export function decode(size: i32, isLast: bool, count: i32): i32 {
  input = CODED;
  inputEnd = CODED + <usize>size;
  const end = isLast ? usize.MAX_VALUE : inputEnd;
  let made = 0;
  while (made < count && (running !== 0 || input + MOST_CODED <= end)) made += makeNext(count - made);
  return made;
}

// How many of the coded bytes the last `decode` or `begin` took.
export function usedBytes(): i32 {
  return <i32>(input - CODED);
}

// How many bytes past the end of the coded ones were taken, as zeros.
export function missingBytes(): i32 {
  return pastEnd;
}

@inline
function takeByte(): void {
  if (input < inputEnd) {
    code = (code << 8) | <u32>load<u8>(input);
    input++;
  } else {
    code <<= 8;
    pastEnd++;
  }
}

// Codes a bit by the chance of 65536 that it is a one; a decoder finds out which it is.
@inline
function codeBit(chance: u32, bit: i32): i32 {
  const range = high - low;
  const middle = low + (range >> 16) * chance + (((range & 0xffff) * chance) >> 16);
  if (isDecoder) bit = code <= middle ? 1 : 0;
  if (bit !== 0) high = middle;
  else low = middle + 1;
  while (((low ^ high) & 0xff000000) === 0) {
    if (isDecoder) takeByte();
    else {
      store<u8>(output, low >> 24);
      output++;
    }
    low <<= 8;
    high = (high << 8) | 255;
  }
  return bit;
}

// What stands at four addresses, in the first four lanes and again in the others.
@inline
function inLanes(a: usize, b: usize, c: usize, d: usize): v128 {
  let lanes = v128.load_splat<u16>(a);
  lanes = v128.load_lane<u16>(b, lanes, 1);
  lanes = v128.load_lane<u16>(c, lanes, 2);
  lanes = v128.load_lane<u16>(d, lanes, 3);
  return v128.shuffle<i64>(lanes, lanes, 0, 0);
}

@inline
function keep(counters: v128, a: usize, b: usize, c: usize, d: usize): void {
  v128.store_lane<u16>(a, counters, 0);
  v128.store_lane<u16>(b, counters, 1);
  v128.store_lane<u16>(c, counters, 2);
  v128.store_lane<u16>(d, counters, 3);
}

// Codes the byte at `position`, which a decoder doesn't know yet, and goes on behind it. Gives the byte.
function codeByte(given: i32): i32 {
  const here = origin + <usize>position;
  const isLeft = left !== 0;
  if (!isLeft) {
    const table = <usize>4 << (32 - placeShift);
    store<u32>(INDEX, heads + ((rolled0 >> placeShift) << 2));
    store<u32>(INDEX, heads + table + ((rolled1 >> placeShift) << 2), 4);
    store<u32>(INDEX, heads + 2 * table + ((rolled2 >> placeShift) << 2), 8);
    if (load<u32>(GUESS) === 0 || load<i32>(GUESS, 4) < LOOKED_FOR) lookUp();
    rank();
  }
  let byte: i32 = -1;
  let refused: i32 = 256;
  let refusedToo: i32 = 256;
  const first = byteOf(GUESS, here);
  if (first !== 256) {
    const second = byteOf(GUESS + GUESS_BYTES, here);
    const third = byteOf(GUESS + 2 * GUESS_BYTES, here);
    const isRight = given === first ? 1 : 0;
    const said = isLeft
      ? codeLeft(first, isRight)
      : codeGuess(0, first, agreement(first, second) + 3 * agreement(first, third), isRight);
    if (said !== 0) byte = first;
    else {
      refused = first;
      if (second !== 256 && second !== first) {
        refusedToo = second;
        if (codeGuess(1, second, agreement(second, third), given === second ? 1 : 0) !== 0) byte = second;
      }
    }
  }
  if (byte < 0) byte = codeNew(given, refused, refusedToo);
  if (isLeft && refused === 256) {
    left--;
    follow(GUESS, here, byte);
  } else {
    left = 0;
    for (let at = GUESS; at < GUESS + GUESSES * GUESS_BYTES; at += GUESS_BYTES) follow(at, here, byte);
  }
  if (!isLeft) {
    for (let i: usize = 0; i < ORDERS; i++) store<u32>(<usize>load<u32>(INDEX + (i << 2)), noteOf(i));
  }
  goOn(<u32>byte);
  return byte;
}

// The byte of a guess, or 256.
@inline
function byteOf(guess: usize, here: usize): i32 {
  const distance = load<u32>(guess);
  return distance === 0 ? 256 : <i32>load<u8>(here - <usize>distance);
}

@inline
function roll(byte: u32): void {
  const step = (byte + 1) * 0x9e3779b1;
  rolled0 = rolled0 * (FACTOR << 8) + step;
  rolled1 = rolled1 * (FACTOR << 4) + step;
  rolled2 = rolled2 * (FACTOR << 2) + step;
}

@inline
function goOnWord(byte: u32): void {
  const kind = load<u8>(WORDS + <usize>byte);
  if (kind === 1) word = (word + byte + 1) * FACTOR;
  else if (kind === 0) word = byte;
}

@inline
function agreement(guess: i32, other: i32): i32 {
  return other === 256 ? 0 : other === guess ? 1 : 2;
}

@inline
function follow(at: usize, here: usize, byte: i32): void {
  const distance = load<u32>(at);
  if (distance === 0) return;
  if (<i32>load<u8>(here - <usize>distance) === byte) {
    store<i32>(at, min(load<i32>(at, 4) + 1, LONGEST), 4);
    store<u32>(at, load<u32>(at, 8) << 1, 8);
  } else {
    const misses = (load<u32>(at, 8) << 1) | 1;
    store<i32>(at, min(load<i32>(at, 4) >> 2, MOST_KEPT), 4);
    store<u32>(at, misses, 8);
    if (popcnt<u32>(misses & 0xffff) > 8) store<u32>(at, 0);
  }
}

@inline
function goOn(byte: u32): void {
  last = (last << 8) | byte;
  goOnWord(byte);
  roll(byte);
  position++;
  if (isDecoder) filled = position;
}

// What is noted in the place of a hash: this position, and above it a part of the hash that its number has not, by which
// most that was noted for others is told without looking there.
@inline
function noteOf(order: usize): u32 {
  const rolled = order === 0 ? rolled0 : order === 1 ? rolled1 : rolled2;
  return (((rolled * CHECK_FACTOR) >> NOTED_BITS) << NOTED_BITS) | (position & ((1 << NOTED_BITS) - 1));
}

// Looks for guesses where the last bytes were seen before, the longest contexts first.
function lookUp(): void {
  for (let order: i32 = ORDERS - 1; order >= 0; order--) {
    const note = load<u32>(<usize>load<u32>(INDEX + (<usize>order << 2)));
    const differs = note ^ noteOf(order);
    if (differs >> NOTED_BITS !== 0) continue;
    const distance = (position - <i32>note) & ((1 << NOTED_BITS) - 1);
    if (distance === 0 || distance > windowBytes - COMPARED) continue;
    if (load<i32>(GUESS) === distance || load<i32>(GUESS, 16) === distance || load<i32>(GUESS, 32) === distance)
      continue;
    const length = sameBefore(distance);
    if (length < (order === 2 ? 16 : order === 1 ? 8 : 4)) continue;
    let place: usize = 0;
    let worst = i32.MAX_VALUE;
    for (let at: usize = GUESS; at < GUESS + GUESSES * GUESS_BYTES; at += GUESS_BYTES) {
      const score = load<i32>(at) === 0 ? -1 : load<i32>(at, 4) + ((load<u32>(at, 8) & 0xff) === 0 ? 8 : 0);
      if (score < worst) {
        worst = score;
        place = at;
      }
    }
    if (length <= worst) continue;
    store<i32>(place, distance);
    store<i32>(place, length, 4);
    store<i32>(place, 0, 8);
  }
}

// How many bytes, up to 32, are the same before here and before `distance` bytes ago.
@inline
function sameBefore(distance: i32): i32 {
  const here = origin + <usize>position;
  const there = here - <usize>distance;
  const most = min(COMPARED, position - distance);
  let length = 0;
  while (length < most) {
    const different = load<u64>(here - 8 - <usize>length) ^ load<u64>(there - 8 - <usize>length);
    if (different !== 0) return min(most, length + <i32>(clz<u64>(different) >> 3));
    length += 8;
  }
  return most;
}

@inline
function scoreOf(at: usize): i32 {
  return load<i32>(at) === 0 ? -1000 : (load<i32>(at, 4) << 2) - <i32>popcnt<u32>(load<u32>(at, 8) & 0xff);
}

// Puts the best guess first.
@inline
function rank(): void {
  const first = scoreOf(GUESS);
  let second = scoreOf(GUESS + 16);
  const third = scoreOf(GUESS + 32);
  let top = first;
  if (second > first) {
    exchange(GUESS, GUESS + 16);
    top = second;
    second = first;
  }
  if (third > second) {
    exchange(GUESS + 16, GUESS + 32);
    if (third > top) exchange(GUESS, GUESS + 16);
  }
}

@inline
function exchange(a: usize, b: usize): void {
  const held = v128.load(a);
  v128.store(a, v128.load(b));
  v128.store(b, held);
}

// Codes whether a guess is right; `later` is 0 for the first, and 1 for the second.
function codeGuess(later: u32, guess: u32, agree: u32, bit: i32): i32 {
  const place = <usize>later * GUESS_BYTES;
  const size = classOf(load<i32>(GUESS + place, 4));
  const misses = load<u32>(GUESS + place, 8);
  const base = guess | (later << 8);
  return codeFlag(
    <usize>((later << 12) | (size << 8) | (misses & 0xff)),
    cell(base | 0x10000 | ((size >> 2) << 20), last & 0xff),
    cell(base | 0x20000, last & 0xffff),
    cell(base | 0x30000, agree * 16 + size),
    <usize>((later << 8) | (size << 4) | (misses & 15)),
    <usize>(size * 256 + guess),
    bit,
  );
}

// Codes whether the first guess has all bytes of a run right.
function codeRun(run: i32, bit: i32): i32 {
  const distance = load<u32>(GUESS);
  const misses = load<u32>(GUESS, 8);
  const size = classOf(load<i32>(GUESS, 4));
  // What it guesses; where the run overlaps what it is taken from, that isn't there yet.
  const next = distance < 4 ? 0 : load<u32>(origin + <usize>position - <usize>distance);
  return codeFlag(
    <usize>((RUN_FLAG << 12) | (size << 8) | (misses & 0xff)),
    cell(0x40000 | size, last & 0xffff),
    cell(0x50000 | size, next & 0xffff),
    cell(0x60000, next),
    <usize>((RUN_FLAG << 8) | (size << 4) | (misses & 15)),
    <usize>(4096 + size * 256 + (next & 0xff)),
    bit,
  );
}

// Codes whether the first guess is right, of which it is known that it is wrong before the end of the run.
function codeLeft(guess: u32, bit: i32): i32 {
  if (left === 1) return 0;
  return codeFlag(
    <usize>((LEFT_FLAG << 12) | left),
    cell(guess | 0x70000, last & 0xffff),
    cell(guess | 0x80000, last),
    cell(guess | 0x90000, left),
    <usize>((LEFT_FLAG << 8) | left),
    <usize>(8192 + left),
    bit,
  );
}

@inline
function classOf(length: i32): u32 {
  return <u32>load<u8>(CLASSES + <usize>min(length, 511));
}

// Codes a bit by the counter of this number and those at the other places, mixed by a set of weights and refined by a row.
function codeFlag(number: usize, a: usize, b: usize, c: usize, set: usize, row: usize, bit: i32): i32 {
  const past = PASTS + (number << 1);
  const weights = GUESS_WEIGHTS + set * SET_BYTES;
  const known = inLanes(past, a, b, c);
  const x = inLanes(stretchedAt(past), stretchedAt(a), stretchedAt(b), stretchedAt(c));
  const set4 = v128.load64_zero(weights);
  const sums = i32x4.dot_i16x8_s(x, set4);
  const mixed = stretchedSum(i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1));
  const squashed = squash(mixed);
  const weight = (mixed + 2048) & 127;
  const refiner = GUESS_REFINER + ((row * POINTS + <usize>((mixed + 2048) >> 7)) << 1);
  const chance = (squashed * 16 + between(refiner, weight)) >> 1;
  bit = codeBit(<u32>max(16, min(65536 - 16, chance)), bit);
  const errors = i16x8.splat(<i16>(((bit << 12) - squashed) * GUESS_LEARNING));
  v128.store64_lane(weights, moved(set4, x, errors), 0);
  towards(refiner + (<usize>(weight >> 6) << 1), bit, SHARE);
  // The past's rates are in the first lane.
  const cellRates = ratesOf(known, v128.load(CELL_RATES));
  const rates = v128.shuffle<i16>(ratesOf(known, v128.load(PAST_RATES)), cellRates, 0, 9, 10, 11, 12, 13, 14, 15);
  keep(learned(known, rates, bit), past, a, b, c);
  return bit;
}

@inline
function cell(a: u32, b: u32): usize {
  return TABLE + (<usize>(hash(a, b) >> cellShift) << 1);
}

// Codes a byte that no guess gave, bit by bit; `refused` are guesses that it is not, or 256.
function codeNew(given: i32, refused: i32, refusedToo: i32): i32 {
  put(0, hash(2, last & 0xff));
  put(1, hash(3, last & 0xffff));
  put(2, hash(1 + (<u32>refused << 8), last & 0xff));
  put(3, hash(7, word));
  memory.copy(PLACES, HASHES, 4 * CONTEXTS);
  findSlots();
  let tree: i32 = 1;
  let node: usize = 1;
  for (let i = 0; i < 8; i++) {
    if (i === 4) {
      for (let j: usize = 0; j < 4 * CONTEXTS; j += 4) store<u32>(PLACES + j, hash(load<u32>(HASHES + j), tree));
      findSlots();
      node = 1;
    }
    const a = <usize>load<u32>(PLACES) + (node << 1);
    const b = <usize>load<u32>(PLACES, 4) + (node << 1);
    const c = <usize>load<u32>(PLACES, 8) + (node << 1);
    const d = <usize>load<u32>(PLACES, 12) + (node << 1);
    const known = inLanes(a, b, c, d);
    const x = inLanes(stretchedAt(a), stretchedAt(b), stretchedAt(c), stretchedAt(d));
    const barred = bars(refused, i, tree);
    const firstSet = FIRST + <usize>((barred * 3 + bars(refusedToo, i, tree)) * 256 + tree) * SET_BYTES;
    const secondSet = SECOND + <usize>((last & 0xff) * 8 + i) * SET_BYTES;
    // Those of both sets: the first in the lower half.
    const weights = v128.load64_lane(secondSet, v128.load64_zero(firstSet), 1);
    const sums = i32x4.dot_i16x8_s(x, weights);
    const firstMixed = stretchedSum(i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1));
    const secondMixed = stretchedSum(i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3));
    const mean = (firstMixed + secondMixed) >> 1;
    const weight = (mean + 2048) & 127;
    const refiner = BYTE_REFINER + (<usize>((barred * 256 + tree) * POINTS + ((mean + 2048) >> 7)) << 1);
    const chance = (16 * squash(mean) + 3 * between(refiner, weight)) >> 2;
    const bit = codeBit(<u32>max(16, min(65536 - 16, chance)), (given >> (7 - i)) & 1);
    const errors = i16x8.splat(<i16>(((bit << 12) - squash(firstMixed)) * BYTE_LEARNING));
    const otherErrors = i16x8.splat(<i16>(((bit << 12) - squash(secondMixed)) * BYTE_LEARNING));
    const next = moved(weights, x, v128.shuffle<i64>(errors, otherErrors, 0, 2));
    v128.store64_lane(firstSet, next, 0);
    v128.store64_lane(secondSet, next, 1);
    towards(refiner + (<usize>(weight >> 6) << 1), bit, SHARE);
    keep(learned(known, ratesOf(known, v128.load(BIT_RATES)), bit), a, b, c, d);
    tree = (tree << 1) | bit;
    node = (node << 1) | <usize>bit;
  }
  return tree & 255;
}

// 0 when a refused byte is none, or not to be had any more; else 1 plus the bit that it has next.
@inline
function bars(refused: i32, i: i32, tree: i32): i32 {
  if (refused === 256 || (refused | 256) >> (8 - i) !== tree) return 0;
  return 1 + ((refused >> (7 - i)) & 1);
}

// Puts a slot in the place of each wanted hash. Most are not in the processor's caches: that all are read before any is
// compared has it wait for them at the same time, and not for one after the other.
function findSlots(): void {
  let read: u32 = 0;
  for (let i: usize = 0; i < 4 * CONTEXTS; i += 4) read ^= load<u32>(slotOf(load<u32>(PLACES + i)));
  store<u32>(READ, read);
  for (let i: usize = 0; i < 4 * CONTEXTS; i += 4) {
    const wanted = load<u32>(PLACES + i);
    store<u32>(PLACES + i, <u32>findSlot(slotOf(wanted), <u16>(wanted | 1)));
  }
}

@inline
function slotOf(wanted: u32): usize {
  return slots + <usize>((wanted * 0x9e3779b1) >> slotShift) * SLOT_BYTES;
}

@inline
function put(at: usize, wanted: u32): void {
  store<u32>(HASHES + 4 * at, wanted);
}
