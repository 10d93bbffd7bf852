/**
 * What the mixing coder and the recalling coder are made of, in plain code: counters and slots of them, sets of weights,
 * refiners (docs/coder.md, "Counters", "The mix"). The kernels have the same in kernels/shared/.
 */
import { SQUASH } from './mix-tables.ts';

/** Of a counter: its chance, of 8192, above three bits for how often it learned. */
const FIRST_COUNTER = 0x8000;
const MOST_USES = 7;
const SLOT_NODES = 16;
const POINTS = 33;

export function newCounters(count: number): Uint16Array {
  return new Uint16Array(count).fill(FIRST_COUNTER);
}

/** Tells counters a bit. Where some are the same one, it learns once. */
export function learnCounters(
  counters: Uint16Array,
  used: readonly number[],
  bit: number,
  rates: Int16Array,
): void {
  for (const at of new Set(used)) {
    const uses = counters[at]! & MOST_USES;
    const chance = counters[at]! >> 3;
    const step = share(bit === 1 ? 8191 - chance : chance, rates[uses]!);
    counters[at] = ((bit === 1 ? chance + step : chance - step) << 3) | Math.min(uses + 1, MOST_USES);
  }
}

/** Slots of 15 counters behind a check: those of the four bits of one half of a byte after one context. */
export function newSlots(slotBits: number) {
  const counters = newCounters(SLOT_NODES << slotBits);
  for (let at = 0; at < counters.length; at += SLOT_NODES) counters[at] = 0;
  const uses = (slot: number) => counters[slot + 1]! & MOST_USES;
  return {
    counters,
    /** Where the slot of a hash begins; one that was forgotten for it is as new. */
    find(hash: number): number {
      const check = (hash & 0xffff) | 1;
      const place = Math.imul(hash, 0x9e3779b1) >>> (32 - slotBits);
      const slot = place * SLOT_NODES;
      const beside = (place ^ 1) * SLOT_NODES;
      if (counters[slot] === check) return slot;
      if (counters[beside] === check) return beside;
      const taken = uses(slot) <= uses(beside) ? slot : beside;
      counters.fill(FIRST_COUNTER, taken + 1, taken + SLOT_NODES);
      counters[taken] = check;
      return taken;
    },
  };
}

/** Weighs inputs by the set that begins at `set`: stretched, like the chance that it gives. */
export function mixInputs(inputs: Int16Array, weights: Int16Array, set: number): number {
  let sum = 0;
  for (let i = 0; i < inputs.length; i++) sum += inputs[i]! * weights[set + i]!;
  return Math.min(2047, Math.max(-2047, sum >> 14));
}

/** Tells a set that gave `mixed` for these inputs the bit. */
export function trainWeights(
  inputs: Int16Array,
  weights: Int16Array,
  set: number,
  mixed: number,
  bit: number,
  learning: number,
): void {
  const error = ((bit << 12) - SQUASH[mixed + 2048]!) * learning;
  for (let i = 0; i < inputs.length; i++)
    weights[set + i] = Math.min(0x7fff, Math.max(-0x8000, weights[set + i]! + share(inputs[i]!, error)));
}

/** A share, of 2^15, of a number, rounded. */
function share(number: number, part: number): number {
  return (number * part + 0x4000) >> 15;
}

/**
 * What a mixed chance has come to mean in each of some contexts: 33 points of it, and a line between two. They move by a
 * part of 2^-shift.
 */
export function newRefiner(contexts: number, shift: number) {
  const chances = Uint16Array.from(
    { length: contexts * POINTS },
    (_, i) => 16 * SQUASH[Math.max(1, (i % POINTS) * 128 - (i % POINTS === POINTS - 1 ? 1 : 0))]!,
  );
  return {
    /** A chance of 65536. */
    refine(mixed: number, context: number): number {
      const at = context * POINTS + ((mixed + 2048) >> 7);
      const weight = (mixed + 2048) & 127;
      return (chances[at]! * (128 - weight) + chances[at + 1]! * weight) >> 7;
    },
    /** Tells the nearer of the two points that `refine` takes the bit. */
    learn(mixed: number, context: number, bit: number): void {
      const nearest = context * POINTS + ((mixed + 2048) >> 7) + (((mixed + 2048) & 127) >> 6);
      chances[nearest] = towards(chances[nearest]!, bit, shift);
    },
  };
}

/** Moves a chance of 65536 by a part of 2^-shift of what it is off. */
export function towards(chance: number, bit: number, shift: number): number {
  return bit === 1 ? chance + ((65535 - chance) >> shift) : chance - (chance >> shift);
}
