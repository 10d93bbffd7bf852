// The mixing coder of docs/coder.md: the hot loop behind src/kernels/mix.ts. The plain reference is src/kernels/mix-model.ts
// and mix-plain.ts. Its caller has put the tables of mix-tables.ts in place, and bytes at `plainAt` or `codedAt`.
// Compiled with --initialMemory 110 --enable simd.
import { between, fillRows, hash, POINTS, SQUASH, squash, STRETCH, stretch, TABLES_END } from '../shared/chances';

const CONTEXTS: usize = 10;
// 22 inputs, and two zeros that make whole vectors: the contexts' chances stretched, the match, the fixed one; then the
// chances as they are, and the zeros. As sums don't depend on an order, that of the reference needn't be kept.
const INPUTS: usize = 24;
const MATCH_INPUT: usize = 10;
const LEARNING: i32 = 50;
const LONGEST_MATCH: i32 = 64;
const MATCH_BYTES: i32 = 5;
const FIRST_COUNTER: u32 = 0x80000000;
const MOST_PLAIN: usize = 1 << 20;

const RATES: usize = TABLES_END;
const X: usize = RATES + 4 * 128;
const HASHES: usize = X + 4 * 24;
const PLACES: usize = HASHES + 4 * 12;
const READ: usize = PLACES + 4 * 10;
const COUNTERS: usize = (PLACES + 4 * 12 + 15) & ~15;
const MATCH_CHANCES: usize = COUNTERS + 4 * 12;
const FIRST: usize = 24576;
const SECOND: usize = FIRST + 4 * 24 * 1024;
const EARLY: usize = SECOND + 4 * 24 * 2048;
const LATE: usize = EARLY + 2 * 33 * 256;
const MATCH_PLACES: usize = LATE + 2 * 33 * 4096;
const SLOTS: usize = (MATCH_PLACES + (4 << 16) + 127) & ~127;
const PLAIN: usize = SLOTS + (64 << 16);
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
let early: usize = 0;
let late: usize = 0;
// Whether two contexts have the same slot.
let isShared: bool = false;
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

export function endAt(): usize {
  return CODED + MOST_PLAIN;
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
  memory.fill(X, 0, HASHES - X);
  memory.fill(MATCH_PLACES, 0, 4 << 16);
  memory.fill(SLOTS, 0, 64 << slotBits);
  for (let i: usize = 0; i < 2 * 65; i++) store<u16>(MATCH_CHANCES + 2 * i, 32768);
  for (let at = FIRST; at < EARLY; at += 4 * INPUTS) {
    memory.fill(at, 0, 4 * INPUTS);
    for (let i: usize = 0; i < CONTEXTS; i++) store<i32>(at + 4 * i, 16384);
    store<i32>(at + 4 * MATCH_INPUT, 16384);
  }
  fillRows(EARLY, MATCH_PLACES);
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
  firstSet = FIRST + <usize>(trust * 256 + tree) * (4 * INPUTS);
  const selector = isIntegers ? index * 8 + (codes & 7) : last & 0xff;
  secondSet = SECOND + <usize>(selector * 8 + <u32>bitIndex) * (4 * INPUTS);
  firstMixed = mix(firstSet);
  secondMixed = mix(secondSet);
  const mean = (firstMixed + secondMixed) >> 1;
  const weight = (mean + 2048) & 127;
  const point = (mean + 2048) >> 7;
  const fine = EARLY + (<usize>(tree * POINTS + point) << 1);
  const finer = LATE + (<usize>((hash(load<u32>(HASHES + 4), tree) >> 20) * POINTS + point) << 1);
  const side = <usize>(weight >> 6) << 1;
  early = fine + side;
  late = finer + side;
  const chance = (32 * squash(mean) + between(fine, weight) + between(finer, weight)) >> 2;
  return <u32>max(24, min(65536 - 24, chance));
}

// Whole vectors are written, of numbers that never were in memory: a processor waits where it reads as one what was
// written in parts.
@inline
function setInputs(): void {
  const step = node << 2;
  const counters = counter4(0, step);
  const more = counter4(4, step);
  const rest = counter2(8, step);
  v128.store(COUNTERS, counters);
  v128.store(COUNTERS, more, 16);
  v128.store(COUNTERS, rest, 32);
  const a = i32x4.shr_u(counters, 20);
  const b = i32x4.shr_u(more, 20);
  const c = i32x4.shr_u(rest, 20);
  v128.store(X, stretched(a));
  v128.store(X, stretched(b), 16);
  const last = i32x4.replace_lane(
    i32x4.replace_lane(i32x4.splat(256), 0, stretch(i32x4.extract_lane(c, 0))),
    1,
    stretch(i32x4.extract_lane(c, 1)),
  );
  v128.store(X, i32x4.replace_lane(last, 2, predictMatch()), 32);
  const middle = i32x4.splat(2048);
  v128.store(X, i32x4.shr_s(i32x4.sub(a, middle), 1), 48);
  v128.store(X, i32x4.shr_s(i32x4.sub(b, middle), 1), 64);
  v128.store(X, i32x4.shr_s(i32x4.sub(c, middle), 1), 80);
}

@inline
function counter4(from: usize, step: usize): v128 {
  let four = v128.load_splat<u32>(<usize>load<u32>(PLACES + 4 * from) + step);
  four = v128.load_lane<u32>(<usize>load<u32>(PLACES + 4 * from + 4) + step, four, 1);
  four = v128.load_lane<u32>(<usize>load<u32>(PLACES + 4 * from + 8) + step, four, 2);
  return v128.load_lane<u32>(<usize>load<u32>(PLACES + 4 * from + 12) + step, four, 3);
}

@inline
function counter2(from: usize, step: usize): v128 {
  let two = i32x4.splat(FIRST_COUNTER);
  two = v128.load_lane<u32>(<usize>load<u32>(PLACES + 4 * from) + step, two, 0);
  return v128.load_lane<u32>(<usize>load<u32>(PLACES + 4 * from + 4) + step, two, 1);
}

@inline
function stretched(four: v128): v128 {
  let there = i32x4.splat(stretch(i32x4.extract_lane(four, 0)));
  there = i32x4.replace_lane(there, 1, stretch(i32x4.extract_lane(four, 1)));
  there = i32x4.replace_lane(there, 2, stretch(i32x4.extract_lane(four, 2)));
  return i32x4.replace_lane(there, 3, stretch(i32x4.extract_lane(four, 3)));
}

@inline
function mix(set: usize): i32 {
  const sums = i32x4.add(
    i32x4.add(i32x4.add(weighed(set, 0), weighed(set, 16)), i32x4.add(weighed(set, 32), weighed(set, 48))),
    i32x4.add(weighed(set, 64), weighed(set, 80)),
  );
  const sum =
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3);
  return max(-2047, min(2047, sum >> 8));
}

@inline
function weighed(set: usize, at: usize): v128 {
  return i32x4.shr_s(i32x4.mul(v128.load(X + at), v128.load(set + at)), 8);
}

@inline
function train(set: usize, mixed: i32, bit: i32): void {
  const error = i32x4.splat(((bit << 12) - squash(mixed)) * LEARNING);
  correct(set, 0, error);
  correct(set, 16, error);
  correct(set, 32, error);
  correct(set, 48, error);
  correct(set, 64, error);
  correct(set, 80, error);
}

@inline
function correct(set: usize, at: usize, error: v128): void {
  const step = i32x4.shr_s(i32x4.add(i32x4.mul(v128.load(X + at), error), i32x4.splat(0x8000)), 16);
  v128.store(set + at, i32x4.add(v128.load(set + at), step));
}

function learn(bit: i32): void {
  train(firstSet, firstMixed, bit);
  train(secondSet, secondMixed, bit);
  towards(early, bit);
  towards(late, bit);
  if (usedChance !== 0) towards(usedChance, bit);
  if (isShared) learnOneByOne(bit);
  else learnAll(bit);
  tree = (tree << 1) | bit;
  node = (node << 1) | <usize>bit;
  bitIndex++;
  if (bitIndex !== 4) return;
  node = 1;
  for (let i: usize = 0; i < 4 * CONTEXTS; i += 4) {
    store<u32>(PLACES + i, hash(load<u32>(HASHES + i), tree));
  }
  findSlots();
}

// The rates are what stands in RATES: no quotient is so near to a whole number that it would be rounded to one.
@inline
function learned(counters: v128, ones: v128): v128 {
  const counts = v128.and(counters, i32x4.splat(0x3ff));
  const divisors = f32x4.convert_i32x4_s(i32x4.add(i32x4.shl(counts, 1), i32x4.splat(3)));
  const rates = i32x4.trunc_sat_f32x4_s(f32x4.div(f32x4.splat(8192), divisors));
  const errors = v128.xor(i32x4.shr_u(counters, 10), ones);
  const steps = i32x4.shr_u(i32x4.mul(i32x4.shr_u(errors, 3), rates), 9);
  const chances = v128.xor(i32x4.sub(errors, steps), ones);
  return v128.or(i32x4.shl(chances, 10), i32x4.min_u(i32x4.add(counts, i32x4.splat(1)), i32x4.splat(127)));
}

// As no two contexts have the same counter, each may learn what was read before any did.
function learnAll(bit: i32): void {
  const ones = i32x4.splat(-bit & 0x3fffff);
  const step = node << 2;
  const a = learned(v128.load(COUNTERS), ones);
  v128.store_lane<u32>(<usize>load<u32>(PLACES) + step, a, 0);
  v128.store_lane<u32>(<usize>load<u32>(PLACES + 4) + step, a, 1);
  v128.store_lane<u32>(<usize>load<u32>(PLACES + 8) + step, a, 2);
  v128.store_lane<u32>(<usize>load<u32>(PLACES + 12) + step, a, 3);
  const b = learned(v128.load(COUNTERS, 16), ones);
  v128.store_lane<u32>(<usize>load<u32>(PLACES + 16) + step, b, 0);
  v128.store_lane<u32>(<usize>load<u32>(PLACES + 20) + step, b, 1);
  v128.store_lane<u32>(<usize>load<u32>(PLACES + 24) + step, b, 2);
  v128.store_lane<u32>(<usize>load<u32>(PLACES + 28) + step, b, 3);
  const c = learned(v128.load(COUNTERS, 32), ones);
  v128.store_lane<u32>(<usize>load<u32>(PLACES + 32) + step, c, 0);
  v128.store_lane<u32>(<usize>load<u32>(PLACES + 36) + step, c, 1);
}

function learnOneByOne(bit: i32): void {
  if (bit !== 0) for (let i: usize = 0; i < 4 * CONTEXTS; i += 4) learnOne(i);
  else for (let i: usize = 0; i < 4 * CONTEXTS; i += 4) learnZero(i);
}

@inline
function learnOne(i: usize): void {
  const at = <usize>load<u32>(PLACES + i) + (node << 2);
  const counter = load<u32>(at);
  const count = counter & 0x3ff;
  const chance = counter >> 10;
  const rate = load<u32>(RATES + (<usize>count << 2));
  store<u32>(at, ((chance + ((((4194303 - chance) >> 3) * rate) >> 9)) << 10) | min(count + 1, 127));
}

@inline
function learnZero(i: usize): void {
  const at = <usize>load<u32>(PLACES + i) + (node << 2);
  const counter = load<u32>(at);
  const count = counter & 0x3ff;
  const chance = counter >> 10;
  const rate = load<u32>(RATES + (<usize>count << 2));
  store<u32>(at, ((chance - (((chance >> 3) * rate) >> 9)) << 10) | min(count + 1, 127));
}

@inline
function towards(at: usize, bit: i32): void {
  const chance = <i32>load<u16>(at);
  store<u16>(at, <u16>(bit !== 0 ? chance + ((65535 - chance) >> 6) : chance - (chance >> 6)));
}

// Puts a slot in the place of each wanted hash. Most are not in the processor's caches: that all are read before any is
// compared has it wait for them at the same time, and not for one after the other.
function findSlots(): void {
  let read: u32 = 0;
  for (let i: usize = 0; i < 4 * CONTEXTS; i += 4) read ^= load<u32>(slotOf(load<u32>(PLACES + i)));
  store<u32>(READ, read);
  for (let i: usize = 0; i < 4 * CONTEXTS; i += 4) {
    store<u32>(PLACES + i, <u32>findSlot(load<u32>(PLACES + i)));
  }
  isShared = arePlacesShared();
}

// Compares all pairs of places: those of one vector with its own, turned, and with those of another, turned.
function arePlacesShared(): bool {
  const a = v128.load(PLACES);
  const b = v128.load(PLACES, 16);
  const ninth = v128.load_splat<u32>(PLACES + 32);
  const tenth = v128.load_splat<u32>(PLACES + 36);
  const turned = v128.shuffle<i32>(b, b, 1, 2, 3, 0);
  const half = v128.shuffle<i32>(b, b, 2, 3, 0, 1);
  let same = i32x4.eq(a, v128.shuffle<i32>(a, a, 1, 2, 3, 0));
  same = v128.or(same, i32x4.eq(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1)));
  same = v128.or(same, i32x4.eq(b, turned));
  same = v128.or(same, i32x4.eq(b, half));
  same = v128.or(same, i32x4.eq(a, b));
  same = v128.or(same, i32x4.eq(a, turned));
  same = v128.or(same, i32x4.eq(a, half));
  same = v128.or(same, i32x4.eq(a, v128.shuffle<i32>(b, b, 3, 0, 1, 2)));
  same = v128.or(same, v128.or(i32x4.eq(a, ninth), i32x4.eq(b, ninth)));
  same = v128.or(same, v128.or(i32x4.eq(a, tenth), i32x4.eq(b, tenth)));
  return v128.any_true(v128.or(same, i32x4.eq(ninth, tenth)));
}

@inline
function slotOf(wanted: u32): usize {
  return SLOTS + (<usize>((wanted * 0x9e3779b1) >> slotShift) << 6);
}

@inline
function findSlot(wanted: u32): usize {
  const check = wanted | 1;
  const slot = slotOf(wanted);
  if (load<u32>(slot) === check) return slot;
  const beside = slot ^ 64;
  if (load<u32>(beside) === check) return beside;
  const taken = (load<u32>(slot, 4) & 0x3ff) <= (load<u32>(beside, 4) & 0x3ff) ? slot : beside;
  const fresh = i32x4.splat(FIRST_COUNTER);
  v128.store(taken, i32x4.replace_lane(fresh, 0, check));
  v128.store(taken, fresh, 16);
  v128.store(taken, fresh, 32);
  v128.store(taken, fresh, 48);
  return taken;
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
  findSlots();
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
