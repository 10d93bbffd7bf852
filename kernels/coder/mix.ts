// The mixing coder of docs/coder.md: the hot loop behind src/kernels/mix.ts. The plain reference is src/kernels/mix-model.ts
// and mix-plain.ts. Its caller has put the tables of mix-tables.ts in place, and bytes at `plainAt` or `codedAt`.
// Compiled with --initialMemory 71 --enable simd.
import { between, fillRows, hash, POINTS, SQUASH, squash, STRETCH, stretch, TABLES_END, towards } from '../shared/chances';
import {
  FIRST_COUNTER,
  findSlots,
  learned,
  moved,
  RATES_BYTES,
  ratesOf,
  SLOT_BYTES,
  stretchedAt,
  stretchedSum,
} from '../shared/small-counters';

const CONTEXTS: usize = 10;
// 22 inputs, and two zeros that make whole vectors: the contexts' chances stretched, the match, the fixed one; then the
// chances as they are, those of the last two contexts and the zeros first. As sums don't depend on an order, that of the
// reference needn't be kept.
const INPUTS: usize = 24;
const SET_BYTES: usize = 2 * INPUTS;
const FIRST_WEIGHT: i16 = 3277;
const MATCH_INPUT: usize = 10;
const LEARNING: i32 = 4;
// Chances move by a 64th.
const SHARE: i32 = 6;
const LONGEST_MATCH: i32 = 64;
const MATCH_BYTES: i32 = 5;
const MOST_PLAIN: usize = 1 << 20;

const RATES: usize = TABLES_END;
const HASHES: usize = RATES + RATES_BYTES;
const PLACES: usize = HASHES + 4 * CONTEXTS;
const READ: usize = PLACES + 4 * CONTEXTS;
const MATCH_CHANCES: usize = READ + 4;
const FIRST: usize = 24576;
const SECOND: usize = FIRST + SET_BYTES * 1024;
const REFINER: usize = SECOND + SET_BYTES * 2048;
const MATCH_PLACES: usize = (REFINER + 2 * 33 * 256 + 3) & ~3;
const SLOTS: usize = (MATCH_PLACES + (4 << 16) + 63) & ~63;
const PLAIN: usize = SLOTS + (SLOT_BYTES << 16);
const CODED: usize = PLAIN + MOST_PLAIN;

let isIntegers: bool = false;
let slotShift: u32 = 0;
let last: u32 = 0;
let before: u32 = 0;
// Of the integers of a stream.
let index: u32 = 0;
let value: u32 = 0;
let past1: u32 = 0;
let past2: u32 = 0;
let past3: u32 = 0;
let codes: u32 = 0;
// Of the match.
let length: i32 = 0;
let from: usize = 0;
let usedChance: usize = 0;
let trust: i32 = 0;
// Of the bit at hand.
let tree: i32 = 1;
let bitIndex: i32 = 0;
let node: usize = 1;
let firstSet: usize = 0;
let secondSet: usize = 0;
let firstMixed: i32 = 0;
let secondMixed: i32 = 0;
let point: usize = 0;
// Counters of eight contexts, and of two; the inputs.
let eight: v128 = i16x8.splat(0);
let two: v128 = i16x8.splat(0);
let x: v128 = i16x8.splat(0);
let y: v128 = i16x8.splat(0);
let z: v128 = i16x8.splat(0);
// Of the arithmetic coder.
let low: u32 = 0;
let high: u32 = 0;

export function squashAt(): usize {
  return SQUASH;
}

export function stretchAt(): usize {
  return STRETCH;
}

export function ratesAt(): usize {
  return RATES;
}

export function plainAt(): usize {
  return PLAIN;
}

export function codedAt(): usize {
  return CODED;
}

// Makes everything as it is before the first bit of a stream.
export function start(integers: bool, slotBits: u32): void {
  isIntegers = integers;
  slotShift = 32 - slotBits;
  last = before = index = value = past1 = past2 = past3 = codes = 0;
  length = 0;
  from = 0;
  low = 0;
  high = 0xffffffff;
  memory.fill(MATCH_PLACES, 0, 4 << 16);
  memory.fill(SLOTS, 0, SLOT_BYTES << slotBits);
  for (let i: usize = 0; i < 2 * 65; i++) store<u16>(MATCH_CHANCES + 2 * i, 32768);
  for (let at = FIRST; at < REFINER; at += SET_BYTES) {
    memory.fill(at, 0, SET_BYTES);
    for (let i: usize = 0; i <= MATCH_INPUT; i++) store<i16>(at + 2 * i, FIRST_WEIGHT);
  }
  fillRows(REFINER, REFINER + 2 * 33 * 256);
  startByte();
}

// Writes `count` plain bytes at `codedAt`, and gives how many bytes that took; -1 when it would be `count` or more.
export function encode(count: i32): i32 {
  let out = CODED;
  for (let at: i32 = 0; at < count; at++) {
    const byte = <i32>load<u8>(PLAIN + <usize>at);
    for (let shift: i32 = 7; shift >= 0; shift--) {
      const bit = (byte >> shift) & 1;
      const middle = divide(predict());
      if (bit !== 0) high = middle;
      else low = middle + 1;
      learn(bit);
      while (((low ^ high) & 0xff000000) === 0) {
        store<u8>(out, low >> 24);
        out++;
        low <<= 8;
        high = (high << 8) | 255;
      }
    }
    endByte(byte, at + 1);
    if (<i32>(out - CODED) + 1 >= count) return -1;
  }
  store<u8>(out, <u8>((<u64>low + 0xffffff) >> 24));
  return <i32>(out - CODED) + 1;
}

// Makes `count` plain bytes of `size` coded ones, and gives how many it used, as the reference counts them.
export function decode(size: i32, count: i32): i32 {
  const end = CODED + <usize>size;
  let input = CODED;
  let code: u32 = 0;
  for (let i = 0; i < 4; i++) {
    code = (code << 8) | (input < end ? <u32>load<u8>(input) : 0);
    input++;
  }
  for (let at: i32 = 0; at < count; at++) {
    let byte: i32 = 0;
    for (let i = 0; i < 8; i++) {
      const middle = divide(predict());
      const bit = code <= middle ? 1 : 0;
      if (bit !== 0) high = middle;
      else low = middle + 1;
      byte = (byte << 1) | bit;
      learn(bit);
      while (((low ^ high) & 0xff000000) === 0) {
        low <<= 8;
        high = (high << 8) | 255;
        code = (code << 8) | (input < end ? <u32>load<u8>(input) : 0);
        input++;
      }
    }
    store<u8>(PLAIN + <usize>at, <u8>byte);
    endByte(byte, at + 1);
  }
  return <i32>(input - CODED) - 3;
}

// Goes on by `count` plain bytes from the `at`-th on, and writes at `codedAt` the chance, an f64, that each had.
export function weigh(at: i32, count: i32): void {
  for (let i: i32 = 0; i < count; i++) {
    const byte = <i32>load<u8>(PLAIN + <usize>(at + i));
    let chance: f64 = 1;
    for (let shift: i32 = 7; shift >= 0; shift--) {
      const bit = (byte >> shift) & 1;
      const ofOne = predict();
      chance *= <f64>(bit !== 0 ? ofOne : 65536 - ofOne) / 65536;
      learn(bit);
    }
    store<f64>(CODED + (<usize>i << 3), chance);
    endByte(byte, at + i + 1);
  }
}

@inline
function divide(chance: u32): u32 {
  const range = high - low;
  return low + (range >> 16) * chance + (((range & 0xffff) * chance) >> 16);
}

@inline
function bits(number: u32): u32 {
  return 32 - <u32>clz<u32>(number);
}

function predict(): u32 {
  setInputs();
  firstSet = FIRST + <usize>(trust * 256 + tree) * SET_BYTES;
  const selector = isIntegers ? index * 8 + (codes & 7) : last & 0xff;
  secondSet = SECOND + <usize>(selector * 8 + <u32>bitIndex) * SET_BYTES;
  firstMixed = mix(firstSet);
  secondMixed = mix(secondSet);
  const mean = (firstMixed + secondMixed) >> 1;
  const weight = (mean + 2048) & 127;
  const refiner = REFINER + (<usize>(tree * POINTS + ((mean + 2048) >> 7)) << 1);
  point = refiner + (<usize>(weight >> 6) << 1);
  const chance = (16 * squash(mean) + 3 * between(refiner, weight)) >> 2;
  return <u32>max(24, min(65536 - 24, chance));
}

// A vector of what is at each of the ten counters of the contexts: two of the contexts are in a vector of their own.
@inline
function setInputs(): void {
  const a = counterAt(0);
  const b = counterAt(1);
  const c = counterAt(2);
  const d = counterAt(3);
  const e = counterAt(4);
  const f = counterAt(5);
  const g = counterAt(6);
  const h = counterAt(7);
  const i = counterAt(8);
  const j = counterAt(9);
  eight = inLanes(a, b, c, d, e, f, g, h);
  two = v128.load_lane<u16>(j, v128.load_lane<u16>(i, i16x8.splat(FIRST_COUNTER), 0), 1);
  x = inLanes(
    stretchedAt(a),
    stretchedAt(b),
    stretchedAt(c),
    stretchedAt(d),
    stretchedAt(e),
    stretchedAt(f),
    stretchedAt(g),
    stretchedAt(h),
  );
  // Lanes 4 and 5 are of the chances as they are, which are 0 in the middle, as in lanes 6 and 7.
  const halves = centred(two);
  let rest = v128.shuffle<i16>(halves, halves, 2, 2, 2, 2, 0, 1, 2, 2);
  rest = v128.load_lane<u16>(stretchedAt(j), v128.load_lane<u16>(stretchedAt(i), rest, 0), 1);
  y = i16x8.replace_lane(i16x8.replace_lane(rest, 2, <i16>predictMatch()), 3, 256);
  z = centred(eight);
}

@inline
function counterAt(i: usize): usize {
  return <usize>load<u32>(PLACES + 4 * i) + (node << 1);
}

@inline
function inLanes(a: usize, b: usize, c: usize, d: usize, e: usize, f: usize, g: usize, h: usize): v128 {
  let lanes = v128.load_splat<u16>(a);
  lanes = v128.load_lane<u16>(b, lanes, 1);
  lanes = v128.load_lane<u16>(c, lanes, 2);
  lanes = v128.load_lane<u16>(d, lanes, 3);
  lanes = v128.load_lane<u16>(e, lanes, 4);
  lanes = v128.load_lane<u16>(f, lanes, 5);
  lanes = v128.load_lane<u16>(g, lanes, 6);
  return v128.load_lane<u16>(h, lanes, 7);
}

@inline
function centred(counters: v128): v128 {
  return i16x8.shr_s(i16x8.sub(i16x8.shr_u(counters, 4), i16x8.splat(2048)), 1);
}

@inline
function mix(set: usize): i32 {
  const sums = i32x4.add(
    i32x4.add(i32x4.dot_i16x8_s(x, v128.load(set)), i32x4.dot_i16x8_s(y, v128.load(set, 16))),
    i32x4.dot_i16x8_s(z, v128.load(set, 32)),
  );
  const halves = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1));
  return stretchedSum(i32x4.extract_lane(halves, 0) + i32x4.extract_lane(halves, 1));
}

@inline
function train(set: usize, mixed: i32, bit: i32): void {
  const errors = i16x8.splat(<i16>(((bit << 12) - squash(mixed)) * LEARNING));
  v128.store(set, moved(v128.load(set), x, errors));
  v128.store(set, moved(v128.load(set, 16), y, errors), 16);
  v128.store(set, moved(v128.load(set, 32), z, errors), 32);
}

function learn(bit: i32): void {
  train(firstSet, firstMixed, bit);
  train(secondSet, secondMixed, bit);
  towards(point, bit, SHARE);
  if (usedChance !== 0) towards(usedChance, bit, SHARE);
  learnCounters(bit);
  tree = (tree << 1) | bit;
  node = (node << 1) | <usize>bit;
  bitIndex++;
  if (bitIndex !== 4) return;
  node = 1;
  for (let i: usize = 0; i < 4 * CONTEXTS; i += 4) {
    store<u32>(PLACES + i, hash(load<u32>(HASHES + i), tree));
  }
  findAllSlots();
}

@inline
function learnCounters(bit: i32): void {
  const rates = v128.load(RATES);
  const a = learned(eight, ratesOf(eight, rates), bit);
  v128.store_lane<u16>(counterAt(0), a, 0);
  v128.store_lane<u16>(counterAt(1), a, 1);
  v128.store_lane<u16>(counterAt(2), a, 2);
  v128.store_lane<u16>(counterAt(3), a, 3);
  v128.store_lane<u16>(counterAt(4), a, 4);
  v128.store_lane<u16>(counterAt(5), a, 5);
  v128.store_lane<u16>(counterAt(6), a, 6);
  v128.store_lane<u16>(counterAt(7), a, 7);
  const b = learned(two, ratesOf(two, rates), bit);
  v128.store_lane<u16>(counterAt(8), b, 0);
  v128.store_lane<u16>(counterAt(9), b, 1);
}

function findAllSlots(): void {
  findSlots(PLACES, CONTEXTS, SLOTS, slotShift, READ);
}

function predictMatch(): i32 {
  usedChance = 0;
  trust = 0;
  if (length === 0) return 0;
  const guess = <i32>load<u8>(from) + 256;
  if (guess >> (8 - bitIndex) !== tree) return 0;
  const size = length < 16 ? length : length < 32 ? 16 : length < LONGEST_MATCH ? 17 : 18;
  usedChance = MATCH_CHANCES + (<usize>(size * 2 + ((guess >> (7 - bitIndex)) & 1)) << 1);
  trust = length < 8 ? 1 : length < 24 ? 2 : 3;
  return stretch(<u32>load<u16>(usedChance) >> 4);
}

// Goes on by a byte that stands before `size` of the plain bytes.
function endByte(byte: i32, size: i32): void {
  before = (before << 8) | (last >> 24);
  last = (last << 8) | <u32>byte;
  if (isIntegers) followInteger(<u32>byte);
  if (length > 0 && <i32>load<u8>(from) === byte) {
    length = min(length + 1, LONGEST_MATCH);
    from++;
  } else length = 0;
  if (size >= MATCH_BYTES) followMatch(size);
  startByte();
}

function followInteger(byte: u32): void {
  if (index < 5) value |= (byte & 0x7f) << (7 * index);
  if (index < 7) index++;
  if (byte >= 0x80) return;
  past3 = past2;
  past2 = past1;
  past1 = value;
  codes = (codes << 3) | (value & 7);
  index = 0;
  value = 0;
}

function followMatch(size: i32): void {
  const place = MATCH_PLACES + (<usize>(hash(last, before & 0xff) >> 16) << 2);
  if (length === 0) {
    const there = load<i32>(place);
    from = PLAIN + <usize>there;
    const here = PLAIN + <usize>size;
    const most = min(LONGEST_MATCH, there);
    while (
      length < most &&
      load<u8>(from - 1 - <usize>length) === load<u8>(here - 1 - <usize>length)
    )
      length++;
    if (length < MATCH_BYTES) length = 0;
  }
  store<i32>(place, size);
}

function startByte(): void {
  tree = 1;
  bitIndex = 0;
  node = 1;
  if (isIntegers) hashIntegers();
  else hashBytes();
  memory.copy(PLACES, HASHES, 4 * CONTEXTS);
  findAllSlots();
}

function hashBytes(): void {
  put(0, hash(1, last & 0xff00));
  put(1, hash(2, last & 0xff));
  put(2, hash(3, last & 0xffff));
  put(3, hash(4, last & 0xffffff));
  put(4, hash(5, last));
  put(5, hash(hash(6, last), before & 0xffff));
  put(6, hash(7, last & 0xffff00));
  put(7, hash(8, last & 0xff00ff));
  put(8, hash(9, last & 0xf8f8f8));
  put(9, hash(10, last & 0xff000000));
}

function hashIntegers(): void {
  const here = hash(16 + index, value);
  const two = hash(past1, past2);
  const sizes = bits(past1) * 64 + bits(past2);
  put(0, hash(hash(here, 0), 1));
  put(1, hash(hash(here, past1), 2));
  put(2, hash(hash(here, two), 3));
  put(3, hash(hash(here, past2), 4));
  put(4, hash(hash(here, sizes), 5));
  put(5, hash(hash(here, hash(bits(past1), codes & 0x1ff)), 6));
  put(6, hash(hash(here, codes & 0x3ffff), 7));
  put(7, hash(hash(here, bits(past1) * 8 + (past1 & 7)), 8));
  put(8, hash(hash(here, hash(two, past3)), 9));
  put(9, hash(hash(here, sizes * 64 + bits(past3)), 10));
}

@inline
function put(at: usize, wanted: u32): void {
  store<u32>(HASHES + 4 * at, wanted);
}
