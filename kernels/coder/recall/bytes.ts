// New bytes, which no guess gave, bit by bit: four counters in slots, mixed by two sets of weights and refined
// (docs/coder.md, "A new byte").
import { between, hash, POINTS, squash, towards } from '../../shared/chances';
import { findSlots, learned, moved, ratesOf, stretchedAt, stretchedSum } from '../../shared/small-counters';
import { codeBit } from './bits';
import { inLanes, keepLanes } from './lanes';
import {
  BIT_RATES,
  BYTE_REFINER,
  CONTEXTS,
  FIRST,
  FLAG_REFINER,
  HASHES,
  PLACES,
  READ,
  SECOND,
  SET_BYTES,
} from './layout';

const FIRST_WEIGHT: i16 = 6250;
const LEARNING: i32 = 8;
// Chances of refiners move by a 32nd.
const SHARE: i32 = 5;

let slots: usize = 0;
let slotShift: u32 = 0;

// The slots at `slotsAt` are zeros.
export function startBytes(slotsAt: usize, slotBits: i32): void {
  slots = slotsAt;
  slotShift = 32 - slotBits;
  for (let at = FIRST; at < FLAG_REFINER; at += 2) store<i16>(at, FIRST_WEIGHT);
}

// Codes a byte behind the `last` four and a `word`; `refused` are guesses that it is not, or 256. Gives the byte.
export function codeNew(given: i32, refused: i32, refusedToo: i32, last: u32, word: u32): i32 {
  put(0, hash(2, last & 0xff));
  put(1, hash(3, last & 0xffff));
  put(2, hash(1 + (<u32>refused << 8), last & 0xff));
  put(3, hash(7, word));
  memory.copy(PLACES, HASHES, 4 * CONTEXTS);
  findAllSlots();
  let tree: i32 = 1;
  let node: usize = 1;
  for (let i = 0; i < 8; i++) {
    if (i === 4) {
      for (let j: usize = 0; j < 4 * CONTEXTS; j += 4) store<u32>(PLACES + j, hash(load<u32>(HASHES + j), tree));
      findAllSlots();
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
    const errors = i16x8.splat(<i16>(((bit << 12) - squash(firstMixed)) * LEARNING));
    const otherErrors = i16x8.splat(<i16>(((bit << 12) - squash(secondMixed)) * LEARNING));
    const next = moved(weights, x, v128.shuffle<i64>(errors, otherErrors, 0, 2));
    v128.store64_lane(firstSet, next, 0);
    v128.store64_lane(secondSet, next, 1);
    towards(refiner + (<usize>(weight >> 6) << 1), bit, SHARE);
    keepLanes(learned(known, ratesOf(known, v128.load(BIT_RATES)), bit), a, b, c, d);
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

function findAllSlots(): void {
  findSlots(PLACES, CONTEXTS, slots, slotShift, READ);
}

@inline
function put(at: usize, wanted: u32): void {
  store<u32>(HASHES + 4 * at, wanted);
}
