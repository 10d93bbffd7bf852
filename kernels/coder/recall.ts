// The recalling coder of docs/coder.md: the hot loop behind src/kernels/recall.ts. The plain reference is
// src/kernels/recall-laterl.ts. Its caller has put the tables of mix-tables.ts in place, and moves bytes in and out of
// the window, and of the buffer at `codedAt`.
// Compiled with --initialMemory 32 --enable simd.

const GUESSES: usize = 3;
// Of each guess: its distance (0: there is none), its length, its misses, and what it is ranked by.
const GUESS_BYTES: usize = 16;
const SURE: i32 = 32;
const LOOKED_FOR: i32 = 16;
const LONGEST: i32 = 65535;
const COMPARED: i32 = 32;
const ORDERS: usize = 4;
const FACTOR: u32 = 0x2f0b4c47;
const CONTEXTS: usize = 8;
const POINTS: i32 = 33;
const FIRST_COUNTER: u32 = 0x80000000;
const GUESS_LIMIT: u32 = 30;
const HISTORY_LIMIT: u32 = 255;
const BYTE_LIMIT: u32 = 127;
const GUESS_LEARNING: i32 = 14;
const BYTE_LEARNING: i32 = 50;
const SLACK: usize = 64;
const SLIDE: usize = 1 << 20;
const CODED_BYTES: usize = 1 << 16;
// Coded bytes that one plain byte takes at most: four for each of eleven bits, where the range is smallest, and some more.
const MOST_CODED: usize = 48;

const SQUASH: usize = 1024;
const STRETCH: usize = SQUASH + 2 * 4096;
const RATES: usize = STRETCH + 2 * 4096;
const CLASSES: usize = RATES + 4 * 256;
const WORDS: usize = CLASSES + 512;
const X: usize = WORDS + 256;
const HASHES: usize = X + 4 * 16;
const PLACES: usize = HASHES + 4 * 8;
const GUESS: usize = PLACES + 4 * 8;
const INDEX: usize = GUESS + 64;
const GUESS_WEIGHTS: usize = 24576;
const FIRST: usize = GUESS_WEIGHTS + 512 * 32;
const SECOND: usize = FIRST + 9 * 256 * 32;
const GUESS_REFINER: usize = SECOND + 256 * 8 * 32;
const EARLY: usize = GUESS_REFINER + 2 * 33 * 4096;
const LATE: usize = EARLY + 2 * 33 * 768;
const HISTORIES: usize = (LATE + 2 * 33 * 4096 + 63) & ~63;
const CODED: usize = HISTORIES + 4 * 8192;
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
let before: u32 = 0;
let word: u32 = 0;
let rolled0: u32 = 0;
let rolled1: u32 = 0;
let rolled2: u32 = 0;
let rolled3: u32 = 0;
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
  return RATES;
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

// Where the next plain byte stands, or will.
export function plainAt(): usize {
  return origin + <usize>position;
}

// How much memory a window of so many bits takes.
export function memoryFor(windowBits: i32): usize {
  return (
    TABLE +
    (<usize>4 << (windowBits - 4)) * (ORDERS + 1) +
    (<usize>64 << (windowBits - 7)) +
    (<usize>1 << windowBits) +
    SLIDE +
    2 * SLACK
  );
}

// Makes everything as it is before the first byte of a stream; there is memory for the window.
export function start(decodes: bool, windowBits: i32): void {
  isDecoder = decodes;
  windowBytes = 1 << windowBits;
  const cellBits = windowBits - 4;
  const slotBits = windowBits - 7;
  cellShift = 32 - cellBits;
  placeShift = 32 - cellBits;
  slotShift = 32 - slotBits;
  slots = TABLE + (<usize>4 << cellBits);
  heads = slots + (<usize>64 << slotBits);
  window = heads + ORDERS * (<usize>4 << cellBits) + SLACK;
  origin = window;
  roof = window + <usize>windowBytes + SLIDE;
  position = 0;
  last = before = word = rolled0 = rolled1 = rolled2 = rolled3 = 0;
  low = 0;
  high = 0xffffffff;
  code = 0;
  pastEnd = 0;
  memory.fill(X, 0, GUESS_WEIGHTS - X);
  for (let at = GUESS_WEIGHTS; at < FIRST; at += 32) {
    for (let i: usize = 0; i < 28; i += 4) store<i32>(at + i, 20000);
    store<i32>(at + 28, 0);
  }
  for (let at = FIRST; at < GUESS_REFINER; at += 4) store<i32>(at, 22000);
  for (let at = GUESS_REFINER, point = 0; at < LATE + 2 * 33 * 4096; at += 2) {
    store<u16>(at, <u16>(16 * squash(max(-2047, min(2047, point * 128 - 2048)))));
    if (++point === POINTS) point = 0;
  }
  for (let at = HISTORIES; at < CODED; at += 4) store<u32>(at, FIRST_COUNTER);
  for (let at = TABLE; at < slots; at += 4) store<u32>(at, FIRST_COUNTER);
  memory.fill(slots, 0, window - slots);
}

// How many bytes may be put at `plainAt`, or made there, at once: 1 or more.
export function room(): i32 {
  const here = origin + <usize>position;
  if (here >= roof) {
    // All but the window goes.
    memory.copy(window, here - <usize>windowBytes, <usize>windowBytes);
    origin = window + <usize>windowBytes - <usize>position;
  }
  return <i32>min<usize>(roof - origin - <usize>position, CODED_BYTES / MOST_CODED);
}

// Codes the `count` bytes that stand at `plainAt`; gives how many bytes at `codedAt` are ready.
export function encode(count: i32): i32 {
  output = CODED;
  for (let i = 0; i < count; i++) codeByte(<i32>load<u8>(origin + <usize>position));
  return <i32>(output - CODED);
}

// Writes what is left at the end: one byte at `codedAt`.
export function finish(): void {
  store<u8>(CODED, <u8>((<u64>low + 0xffffff) >> 24));
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
  while (made < count && input + MOST_CODED <= end) {
    const at = origin + <usize>position;
    store<u8>(at, <u8>codeByte(0));
    made++;
  }
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

@inline
function squash(d: i32): i32 {
  return <i32>load<i16>(SQUASH + (<usize>(d + 2048) << 1));
}

@inline
function stretch(chance: u32): i32 {
  return <i32>load<i16>(STRETCH + (<usize>chance << 1));
}

@inline
function hash(a: u32, b: u32): u32 {
  const mixed = (a ^ (b * 0x9e3779b1)) * 0x85ebca6b;
  return mixed ^ (mixed >> 15);
}

@inline
function between(at: usize, weight: i32): i32 {
  return (<i32>load<u16>(at) * (128 - weight) + <i32>load<u16>(at, 2) * weight) >> 7;
}

@inline
function towards(at: usize, bit: i32): void {
  const chance = <i32>load<u16>(at);
  store<u16>(at, <u16>(bit !== 0 ? chance + ((65535 - chance) >> 6) : chance - (chance >> 6)));
}

@inline
function count(at: usize, bit: i32, limit: u32): void {
  const counter = load<u32>(at);
  const seen = counter & 0x3ff;
  const chance = counter >> 10;
  const rate = load<u32>(RATES + (<usize>seen << 2));
  const moved =
    bit !== 0 ? chance + ((((4194303 - chance) >> 3) * rate) >> 9) : chance - (((chance >> 3) * rate) >> 9);
  store<u32>(at, (moved << 10) | min(seen + 1, limit));
}

@inline
function mix(set: usize, bytes: usize): i32 {
  let sums = i32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    sums = i32x4.add(sums, i32x4.shr_s(i32x4.mul(v128.load(X + i), v128.load(set + i)), 8));
  }
  const sum =
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3);
  return max(-2047, min(2047, sum >> 8));
}

@inline
function train(set: usize, bytes: usize, factor: i32): void {
  const error = i32x4.splat(factor);
  const half = i32x4.splat(0x8000);
  for (let i: usize = 0; i < bytes; i += 16) {
    const step = i32x4.shr_s(i32x4.add(i32x4.mul(v128.load(X + i), error), half), 16);
    v128.store(set + i, i32x4.add(v128.load(set + i), step));
  }
}

// Codes the byte at `position`, which a decoder doesn't know yet, and goes on behind it. Gives the byte.
function codeByte(given: i32): i32 {
  const here = origin + <usize>position;
  let distance = load<i32>(GUESS);
  const isSure = distance !== 0 && load<i32>(GUESS, 4) >= SURE;
  if (!isSure) {
    const table = <usize>4 << (32 - placeShift);
    store<u32>(INDEX, heads + ((rolled0 >> placeShift) << 2));
    store<u32>(INDEX, heads + table + ((rolled1 >> placeShift) << 2), 4);
    store<u32>(INDEX, heads + 2 * table + ((rolled2 >> placeShift) << 2), 8);
    store<u32>(INDEX, heads + 3 * table + ((rolled3 >> placeShift) << 2), 12);
    if (distance === 0 || load<i32>(GUESS, 4) < LOOKED_FOR) lookUp();
    rank();
    distance = load<i32>(GUESS);
  }
  let byte: i32 = -1;
  let refused: i32 = 256;
  let refusedToo: i32 = 256;
  if (distance !== 0) {
    const guess = <i32>load<u8>(here - <usize>distance);
    const second = load<i32>(GUESS, 16);
    const third = load<i32>(GUESS, 32);
    const secondByte = second !== 0 ? <i32>load<u8>(here - <usize>second) : 256;
    const thirdByte = third !== 0 ? <i32>load<u8>(here - <usize>third) : 256;
    let agree = 0;
    if (!isSure) agree = agreement(guess, secondByte) + 3 * agreement(guess, thirdByte);
    if (codeGuess(0, 0, guess, agree, given === guess ? 1 : 0) !== 0) byte = guess;
    else {
      refused = guess;
      if (secondByte !== 256 && secondByte !== guess) {
        refusedToo = secondByte;
        if (
          codeGuess(16, 1, secondByte, agreement(secondByte, thirdByte), given === secondByte ? 1 : 0) !== 0
        )
          byte = secondByte;
      }
      if (byte < 0 && thirdByte !== 256 && thirdByte !== guess && thirdByte !== refusedToo) {
        refusedToo = thirdByte;
        if (codeGuess(32, 1, thirdByte, 0, given === thirdByte ? 1 : 0) !== 0) byte = thirdByte;
      }
    }
  }
  if (byte < 0) byte = codeNew(given, refused, refusedToo);
  if (isSure && refused === 256) {
    store<i32>(GUESS, min(load<i32>(GUESS, 4) + 1, LONGEST), 4);
    store<u32>(GUESS, load<u32>(GUESS, 8) << 1, 8);
  } else {
    for (let at = GUESS; at < GUESS + GUESSES * GUESS_BYTES; at += GUESS_BYTES) follow(at, here, byte);
  }
  if (!isSure) {
    for (let i: usize = 0; i < 16; i += 4) store<i32>(<usize>load<u32>(INDEX + i), position);
  }
  goOn(<u32>byte);
  return byte;
}

@inline
function roll(byte: u32): void {
  const step = (byte + 1) * 0x9e3779b1;
  rolled0 = rolled0 * (FACTOR << 8) + step;
  rolled1 = rolled1 * (FACTOR << 5) + step;
  rolled2 = rolled2 * (FACTOR << 3) + step;
  rolled3 = rolled3 * (FACTOR << 2) + step;
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
    store<i32>(at, 0, 4);
    store<u32>(at, misses, 8);
    if (popcnt<u32>(misses & 0xffff) > 8) store<u32>(at, 0);
  }
}

@inline
function goOn(byte: u32): void {
  before = (before << 8) | (last >> 24);
  last = (last << 8) | byte;
  goOnWord(byte);
  roll(byte);
  position++;
}

// Looks for guesses where the last bytes were seen before, the longest contexts first.
function lookUp(): void {
  for (let order: i32 = ORDERS - 1; order >= 0; order--) {
    const from = load<i32>(<usize>load<u32>(INDEX + (<usize>order << 2)));
    const distance = position - from;
    if (from === 0 || distance > windowBytes - COMPARED) continue;
    if (load<i32>(GUESS) === distance || load<i32>(GUESS, 16) === distance || load<i32>(GUESS, 32) === distance)
      continue;
    const length = sameBefore(distance);
    if (length < (order === 3 ? 16 : order === 2 ? 11 : order === 1 ? 6 : 4)) continue;
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

// Codes whether a guess is right; `later` is 1 for all but the first.
function codeGuess(place: usize, later: u32, guess: u32, agree: u32, bit: i32): i32 {
  const length = load<i32>(GUESS + place, 4);
  const misses = load<u32>(GUESS + place, 8);
  const size = <u32>load<u8>(CLASSES + <usize>min(length, 511));
  const base = guess | (later << 8);
  const past = misses & 0xff;
  return codeFlag(
    HISTORIES + <usize>(((later << 12) | (size << 8) | past) << 2),
    cell(base | 0x10000 | ((size >> 2) << 20), last & 0xff),
    cell(base | 0x20000, last & 0xffff),
    cell(base | 0x30000, last & 0xffffff),
    cell(hash(base | 0x40000, last), before & 0xff),
    cell(base | 0x50000, word),
    cell(base | 0x60000, agree * 16 + size),
    GUESS_WEIGHTS + (<usize>((later << 8) | (size << 4) | (past & 15)) << 5),
    <usize>(size * 256 + guess),
    bit,
  );
}

// Codes a bit by the counters at these places, mixed by a set of weights and refined by a row.
function codeFlag(
  history: usize,
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  e: usize,
  f: usize,
  set: usize,
  row: usize,
  bit: i32,
): i32 {
  const low4 = i32x4(0, 0, 0, 0);
  let x = i32x4.replace_lane(low4, 0, stretch(load<u32>(history) >> 20));
  x = i32x4.replace_lane(x, 1, stretch(load<u32>(a) >> 20));
  x = i32x4.replace_lane(x, 2, stretch(load<u32>(b) >> 20));
  x = i32x4.replace_lane(x, 3, stretch(load<u32>(c) >> 20));
  let y = i32x4.replace_lane(i32x4(0, 0, 0, 256), 0, stretch(load<u32>(d) >> 20));
  y = i32x4.replace_lane(y, 1, stretch(load<u32>(e) >> 20));
  y = i32x4.replace_lane(y, 2, stretch(load<u32>(f) >> 20));
  const v = v128.load(set);
  const w = v128.load(set, 16);
  const sums = i32x4.add(i32x4.shr_s(i32x4.mul(x, v), 8), i32x4.shr_s(i32x4.mul(y, w), 8));
  const sum =
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3);
  const mixed = max(-2047, min(2047, sum >> 8));
  const squashed = squash(mixed);
  const weight = (mixed + 2048) & 127;
  const refiner = GUESS_REFINER + ((row * POINTS + <usize>((mixed + 2048) >> 7)) << 1);
  const chance = (squashed * 16 + between(refiner, weight)) >> 1;
  bit = codeBit(<u32>max(16, min(65536 - 16, chance)), bit);
  const error = i32x4.splat(((bit << 12) - squashed) * GUESS_LEARNING);
  const half = i32x4.splat(0x8000);
  v128.store(set, i32x4.add(v, i32x4.shr_s(i32x4.add(i32x4.mul(x, error), half), 16)));
  v128.store(set, i32x4.add(w, i32x4.shr_s(i32x4.add(i32x4.mul(y, error), half), 16)), 16);
  towards(refiner + (<usize>(weight >> 6) << 1), bit);
  count(history, bit, HISTORY_LIMIT);
  count(a, bit, GUESS_LIMIT);
  count(b, bit, GUESS_LIMIT);
  count(c, bit, GUESS_LIMIT);
  count(d, bit, GUESS_LIMIT);
  count(e, bit, GUESS_LIMIT);
  count(f, bit, GUESS_LIMIT);
  return bit;
}

@inline
function cell(a: u32, b: u32): usize {
  return TABLE + (<usize>(hash(a, b) >> cellShift) << 2);
}

// Codes a byte that no guess gave, bit by bit; `refused` are guesses that it is not, or 256.
function codeNew(given: i32, refused: i32, refusedToo: i32): i32 {
  put(0, hash(2, last & 0xff));
  put(1, hash(3, last & 0xffff));
  put(2, hash(4, last & 0xffffff));
  put(3, hash(5, last));
  put(4, hash(7, word));
  put(5, hash(1, <u32>refused));
  put(6, hash(8, last & 0xffff00));
  put(7, hash(hash(6, last), before & 0xffff));
  for (let i: usize = 0; i < 4 * CONTEXTS; i += 4) store<u32>(PLACES + i, <u32>findSlot(load<u32>(HASHES + i)));
  let tree: i32 = 1;
  let node: usize = 1;
  for (let i = 0; i < 8; i++) {
    if (i === 4) {
      for (let j: usize = 0; j < 4 * CONTEXTS; j += 4) {
        store<u32>(PLACES + j, <u32>findSlot(hash(load<u32>(HASHES + j), tree)));
      }
      node = 1;
    }
    for (let j: usize = 0; j < 4 * CONTEXTS; j += 4) {
      const chance = load<u32>(<usize>load<u32>(PLACES + j) + (node << 2)) >> 20;
      store<i32>(X + j, stretch(chance));
    }
    const barred = bars(refused, i, tree);
    const firstSet = FIRST + (<usize>((barred * 3 + bars(refusedToo, i, tree)) * 256 + tree) << 5);
    const secondSet = SECOND + (<usize>((last & 0xff) * 8 + i) << 5);
    const firstMixed = mix(firstSet, 32);
    const secondMixed = mix(secondSet, 32);
    const mean = (firstMixed + secondMixed) >> 1;
    const weight = (mean + 2048) & 127;
    const point = (mean + 2048) >> 7;
    const fine = EARLY + (<usize>((barred * 256 + tree) * POINTS + point) << 1);
    const finer = LATE + (<usize>((hash(last & 0xffff, tree) >> 20) * POINTS + point) << 1);
    const chance = (32 * squash(mean) + between(fine, weight) + between(finer, weight)) >> 2;
    const bit = codeBit(<u32>max(16, min(65536 - 16, chance)), (given >> (7 - i)) & 1);
    train(firstSet, 32, ((bit << 12) - squash(firstMixed)) * BYTE_LEARNING);
    train(secondSet, 32, ((bit << 12) - squash(secondMixed)) * BYTE_LEARNING);
    const side = <usize>(weight >> 6) << 1;
    towards(fine + side, bit);
    towards(finer + side, bit);
    for (let j: usize = 0; j < 4 * CONTEXTS; j += 4) {
      count(<usize>load<u32>(PLACES + j) + (node << 2), bit, BYTE_LIMIT);
    }
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

@inline
function findSlot(wanted: u32): usize {
  const check = wanted | 1;
  const place = (wanted * 0x9e3779b1) >> slotShift;
  const slot = slots + (<usize>place << 6);
  if (load<u32>(slot) === check) return slot;
  const beside = slots + (<usize>(place ^ 1) << 6);
  if (load<u32>(beside) === check) return beside;
  const taken = (load<u32>(slot, 4) & 0x3ff) <= (load<u32>(beside, 4) & 0x3ff) ? slot : beside;
  store<u32>(taken, check);
  for (let i: usize = 4; i < 64; i += 4) store<u32>(taken + i, FIRST_COUNTER);
  return taken;
}

@inline
function put(at: usize, wanted: u32): void {
  store<u32>(HASHES + 4 * at, wanted);
}
