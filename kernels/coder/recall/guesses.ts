// Up to three guesses of the next byte, the best first, from where the last bytes were seen before (docs/coder.md, "Guesses").
// `here` is the address of the next byte, and `position` its number.
import { GUESS, GUESS_BYTES, GUESSES, INDEX, ORDERS } from './layout';

// What a guess that was long keeps of its length when it is wrong once: it is mostly right again.
const MOST_KEPT: i32 = 12;
const LOOKED_FOR: i32 = 16;
const LONGEST: i32 = 65535;
const COMPARED: i32 = 32;
const FACTOR: u32 = 0x2f0b4c47;
// Of a position, so many bits are noted: no window has more.
const NOTED_BITS: u32 = 23;
const CHECK_FACTOR: u32 = 0x85ebca6b;

let heads: usize = 0;
let placeShift: u32 = 0;
let windowBytes: i32 = 0;
let rolled0: u32 = 0;
let rolled1: u32 = 0;
let rolled2: u32 = 0;

// The notes at `headsAt` are as new, and there are no guesses.
export function startGuesses(headsAt: usize, placeBits: i32, window: i32): void {
  heads = headsAt;
  placeShift = 32 - placeBits;
  windowBytes = window;
  rolled0 = rolled1 = rolled2 = 0;
}

// Finds guesses where there is no good one, and puts the best first.
@inline
export function findGuesses(here: usize, position: i32): void {
  const table = <usize>4 << (32 - placeShift);
  store<u32>(INDEX, heads + ((rolled0 >> placeShift) << 2));
  store<u32>(INDEX, heads + table + ((rolled1 >> placeShift) << 2), 4);
  store<u32>(INDEX, heads + 2 * table + ((rolled2 >> placeShift) << 2), 8);
  if (load<u32>(GUESS) === 0 || load<i32>(GUESS, 4) < LOOKED_FOR) lookUp(here, position);
  rank();
}

// Notes the position in the places that `findGuesses` looked at.
@inline
export function notePosition(position: i32): void {
  for (let i: usize = 0; i < ORDERS; i++) store<u32>(<usize>load<u32>(INDEX + (i << 2)), noteOf(i, position));
}

// The byte of guess `number`, or 256.
@inline
export function guessedByte(number: usize, here: usize): i32 {
  const distance = load<u32>(GUESS + number * GUESS_BYTES);
  return distance === 0 ? 256 : <i32>load<u8>(here - <usize>distance);
}

@inline
export function distanceOf(number: usize): u32 {
  return load<u32>(GUESS + number * GUESS_BYTES);
}

@inline
export function lengthOf(number: usize): i32 {
  return load<i32>(GUESS + number * GUESS_BYTES, 4);
}

// A bit for each of the last 32 bytes, the latest lowest: 1 where the guess was wrong.
@inline
export function missesOf(number: usize): u32 {
  return load<u32>(GUESS + number * GUESS_BYTES, 8);
}

// Goes on behind `count` bytes that the first guess had right.
@inline
export function lengthenFirst(count: i32): void {
  store<i32>(GUESS, min(load<i32>(GUESS, 4) + count, LONGEST), 4);
  store<u32>(GUESS, count > 31 ? 0 : load<u32>(GUESS, 8) << count, 8);
}

@inline
export function followFirst(here: usize, byte: i32): void {
  follow(GUESS, here, byte);
}

@inline
export function followAll(here: usize, byte: i32): void {
  for (let at = GUESS; at < GUESS + GUESSES * GUESS_BYTES; at += GUESS_BYTES) follow(at, here, byte);
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
export function roll(byte: u32): void {
  const step = (byte + 1) * 0x9e3779b1;
  rolled0 = rolled0 * (FACTOR << 8) + step;
  rolled1 = rolled1 * (FACTOR << 4) + step;
  rolled2 = rolled2 * (FACTOR << 2) + step;
}

// What is noted in the place of a hash: this position, and above it a part of the hash that its number has not, by which
// most that was noted for others is told without looking there.
@inline
function noteOf(order: usize, position: i32): u32 {
  const rolled = order === 0 ? rolled0 : order === 1 ? rolled1 : rolled2;
  return (((rolled * CHECK_FACTOR) >> NOTED_BITS) << NOTED_BITS) | (position & ((1 << NOTED_BITS) - 1));
}

// Looks for guesses where the last bytes were seen before, the longest contexts first.
function lookUp(here: usize, position: i32): void {
  for (let order: i32 = ORDERS - 1; order >= 0; order--) {
    const note = load<u32>(<usize>load<u32>(INDEX + (<usize>order << 2)));
    const differs = note ^ noteOf(order, position);
    if (differs >> NOTED_BITS !== 0) continue;
    const distance = (position - <i32>note) & ((1 << NOTED_BITS) - 1);
    if (distance === 0 || distance > windowBytes - COMPARED) continue;
    if (load<i32>(GUESS) === distance || load<i32>(GUESS, 16) === distance || load<i32>(GUESS, 32) === distance)
      continue;
    const length = sameBefore(here, distance, min(COMPARED, position - distance));
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

// How many bytes, up to `most`, are the same before here and before `distance` bytes ago.
@inline
function sameBefore(here: usize, distance: i32, most: i32): i32 {
  const there = here - <usize>distance;
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
