// Flags that say whether a guess is right: each is coded by four counters, whose chances are mixed and refined
// (docs/coder.md, "A byte"). `last` is the word of the last four bytes.
import { between, hash, POINTS, squash, towards } from '../../shared/chances';
import { FIRST_COUNTER, learned, moved, ratesOf, stretchedAt, stretchedSum } from '../../shared/small-counters';
import { codeBit } from './bits';
import { distanceOf, lengthOf, missesOf } from './guesses';
import { inLanes, keepLanes } from './lanes';
import {
  CELL_RATES,
  CELLS,
  CLASSES,
  CODED,
  FIRST,
  FLAG_REFINER,
  FLAG_WEIGHTS,
  PAST_RATES,
  PASTS,
  SET_BYTES,
} from './layout';

// The kinds of flags, besides the two of guesses.
const RUN_FLAG: u32 = 2;
const LEFT_FLAG: u32 = 3;
const FIRST_WEIGHT: i16 = 5000;
const LEARNING: i32 = 2;
// Chances of refiners move by a 32nd.
const SHARE: i32 = 5;

let cellShift: u32 = 0;

export function startFlags(cellBits: i32): void {
  cellShift = 32 - cellBits;
  const end = CELLS + (<usize>2 << cellBits);
  for (let at = FLAG_WEIGHTS; at < FIRST; at += 2) store<i16>(at, FIRST_WEIGHT);
  for (let at = PASTS; at < CODED; at += 2) store<i16>(at, FIRST_COUNTER);
  for (let at = CELLS; at < end; at += 2) store<i16>(at, FIRST_COUNTER);
}

// Codes whether a guess is right; `later` is 0 for the first, and 1 for the second.
export function codeGuess(later: u32, guess: u32, agree: u32, last: u32, bit: i32): i32 {
  const size = classOf(lengthOf(<usize>later));
  const misses = missesOf(<usize>later);
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

// Codes whether the first guess has all bytes of a run right, which begins at `here`.
export function codeRun(here: usize, last: u32, bit: i32): i32 {
  const distance = distanceOf(0);
  const misses = missesOf(0);
  const size = classOf(lengthOf(0));
  // What it guesses; where the run overlaps what it is taken from, that isn't there yet.
  const next = distance < 4 ? 0 : load<u32>(here - <usize>distance);
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

// Codes whether the first guess is right, of which it is known that it is wrong in one of the next `left` bytes.
export function codeLeft(guess: u32, left: i32, last: u32, bit: i32): i32 {
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
  const weights = FLAG_WEIGHTS + set * SET_BYTES;
  const known = inLanes(past, a, b, c);
  const x = inLanes(stretchedAt(past), stretchedAt(a), stretchedAt(b), stretchedAt(c));
  const before = v128.load64_zero(weights);
  const sums = i32x4.dot_i16x8_s(x, before);
  const mixed = stretchedSum(i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1));
  const squashed = squash(mixed);
  const weight = (mixed + 2048) & 127;
  const refiner = FLAG_REFINER + ((row * POINTS + <usize>((mixed + 2048) >> 7)) << 1);
  const chance = (squashed * 16 + between(refiner, weight)) >> 1;
  bit = codeBit(<u32>max(16, min(65536 - 16, chance)), bit);
  const errors = i16x8.splat(<i16>(((bit << 12) - squashed) * LEARNING));
  v128.store64_lane(weights, moved(before, x, errors), 0);
  towards(refiner + (<usize>(weight >> 6) << 1), bit, SHARE);
  // The past's rates are in the first lane.
  const cellRates = ratesOf(known, v128.load(CELL_RATES));
  const rates = v128.shuffle<i16>(ratesOf(known, v128.load(PAST_RATES)), cellRates, 0, 9, 10, 11, 12, 13, 14, 15);
  keepLanes(learned(known, rates, bit), past, a, b, c);
  return bit;
}

@inline
function cell(a: u32, b: u32): usize {
  return CELLS + (<usize>(hash(a, b) >> cellShift) << 1);
}
