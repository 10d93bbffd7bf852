// Counters of 16 bits, eight at a time: above, a chance of 8192; in the low three bits, how often it learned, up to 7. Of
// those that are read before any is written, some may be the same: then all say the same of it.
import { STRETCH } from './chances';

export const FIRST_COUNTER: i16 = <i16>0x8000;
// Rates of a kind of counters: 16 bits each, by how often they learned.
export const RATES_BYTES: usize = 16;
// A check, and a counter for each node of a tree of four bits.
export const SLOT_BYTES: usize = 32;

// Where that to which the chance of a counter is stretched stands.
@inline
export function stretchedAt(counter: usize): usize {
  return STRETCH + (<usize>(load<u16>(counter) >> 4) << 1);
}

// The rates of counters, from those of their kind.
@inline
export function ratesOf(counters: v128, rates: v128): v128 {
  const counts = v128.and(counters, i16x8.splat(7));
  return v128.swizzle(rates, i16x8.add(i16x8.mul(counts, i16x8.splat(0x0202)), i16x8.splat(0x0100)));
}

// Tells counters a bit.
@inline
export function learned(counters: v128, rates: v128, bit: i32): v128 {
  const ones = i16x8.splat(<i16>(-bit & 0x1fff));
  const errors = v128.xor(i16x8.shr_u(counters, 3), ones);
  const chances = v128.xor(i16x8.sub(errors, i16x8.q15mulr_sat_s(errors, rates)), ones);
  const counts = v128.and(counters, i16x8.splat(7));
  return v128.or(i16x8.shl(chances, 3), i16x8.min_u(i16x8.add(counts, i16x8.splat(1)), i16x8.splat(7)));
}

// The slot of 32 bytes of a check, which is the one at `slot` or that beside it; two lie in one line of the processor's caches. One
// that has neither takes the place of the other whose first counter learned less.
@inline
function findSlot(slot: usize, check: u16): usize {
  if (load<u16>(slot) === check) return slot;
  const beside = slot ^ SLOT_BYTES;
  if (load<u16>(beside) === check) return beside;
  const taken = (load<u16>(slot, 2) & 7) <= (load<u16>(beside, 2) & 7) ? slot : beside;
  const fresh = i16x8.splat(FIRST_COUNTER);
  v128.store(taken, i16x8.replace_lane(fresh, 0, <i16>check));
  v128.store(taken, fresh, 16);
  return taken;
}

// Puts a slot, of those at `slots`, in the place of each of `count` wanted hashes at `places`. Most are not in the
// processor's caches: that all are read before any is compared has it wait for them at the same time, and not for one
// after the other. What was read goes to `read`, or it would not be read.
@inline
export function findSlots(places: usize, count: usize, slots: usize, shift: u32, read: usize): void {
  let all: u32 = 0;
  for (let at = places; at < places + 4 * count; at += 4) all ^= load<u32>(slotOf(load<u32>(at), slots, shift));
  store<u32>(read, all);
  for (let at = places; at < places + 4 * count; at += 4) {
    const wanted = load<u32>(at);
    store<u32>(at, <u32>findSlot(slotOf(wanted, slots, shift), <u16>(wanted | 1)));
  }
}

@inline
function slotOf(wanted: u32, slots: usize, shift: u32): usize {
  return slots + <usize>((wanted * 0x9e3779b1) >> shift) * SLOT_BYTES;
}

// What weighed inputs add up to, given the sums of neighbours: stretched like a chance.
@inline
export function stretchedSum(sum: i32): i32 {
  return max(-2047, min(2047, sum >> 14));
}

// Weights that learned: of inputs, by what the sum of all was off.
@inline
export function moved(weights: v128, inputs: v128, errors: v128): v128 {
  return i16x8.add_sat_s(weights, i16x8.q15mulr_sat_s(inputs, errors));
}
