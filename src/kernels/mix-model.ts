/**
 * The model of the mixing coder, one bit after the other: what is the chance of a one, given all bits before? The plain
 * reference of kernels/coder/mix.ts; both keep to docs/coder.md to the last bit.
 */
import { CONTEXTS, type MixKind, mixContexts } from './mix-contexts.ts';
import { mixHash, RATES, SQUASH, STRETCH } from './mix-tables.ts';

const INPUTS = 2 * CONTEXTS + 2;
const MATCH_INPUT = 2 * CONTEXTS;
const SLOT_WORDS = 16;
const MOST_SLOT_BITS = 16;
const FIRST_COUNTER = 0x8000_0000 | 0;
const MOST_USES = 127;
const FIRST_WEIGHT = 16384;
const LEARNING = 50;
const POINTS = 33;
const MATCH_BYTES = 5;
const LONGEST_MATCH = 64;
/** The least and the most chance, of 65536. */
const LEAST = 24;

export interface MixModel {
  /** The chance, of 65536, that the next bit is a one. */
  predict(): number;
  /** Goes on by a bit; the eighth of each byte ends it. */
  push(bit: number): void;
  /** The bits of the byte so far after a one; the whole byte once it ended, until the next bit. */
  readonly byte: number;
}

/** Slots of counters, as a power of two, for a stream of so many bytes. */
export function slotBitsFor(plainBytes: number): number {
  return Math.min(MOST_SLOT_BITS, Math.max(8, 36 - Math.clz32(plainBytes - 1)));
}

/** For one stream of `plainBytes` (at least 1). */
export function mixModel(kind: MixKind, plainBytes: number): MixModel {
  const contexts = mixContexts(kind);
  const table = counterTable(slotBitsFor(plainBytes));
  const match = matchFinder(plainBytes);
  const first = mixer(4 * 256);
  const second = mixer(256 * 8);
  const early = refiner(256);
  const late = refiner(4096);
  const places = new Int32Array(CONTEXTS);
  const inputs = new Int32Array(INPUTS);
  inputs[INPUTS - 1] = 256;
  let tree = 1;
  let bitIndex = 0;
  const findSlots = () => {
    for (let i = 0; i < CONTEXTS; i++) {
      const hash = contexts.hashes[i]!;
      places[i] = table.find(bitIndex === 0 ? hash : mixHash(hash, tree));
    }
  };
  const nibble = () => (bitIndex < 4 ? tree : (1 << (bitIndex - 4)) | (tree & ((1 << (bitIndex - 4)) - 1)));
  findSlots();
  return {
    get byte() {
      return tree;
    },
    predict() {
      for (let i = 0; i < CONTEXTS; i++) {
        const chance = table.counters[places[i]! + nibble()]! >>> 20;
        inputs[i] = STRETCH[chance]!;
        inputs[CONTEXTS + i] = (chance - 2048) >> 1;
      }
      inputs[MATCH_INPUT] = match.predict(tree, bitIndex);
      const one = first.mix(inputs, match.trust * 256 + tree);
      const other = second.mix(inputs, contexts.selector * 8 + bitIndex);
      const mean = (one + other) >> 1;
      const fine =
        32 * SQUASH[mean + 2048]! +
        early.refine(mean, tree) +
        late.refine(mean, mixHash(contexts.hashes[1]!, tree) >>> 20);
      return Math.min(65536 - LEAST, Math.max(LEAST, fine >> 2));
    },
    push(bit) {
      first.learn(inputs, bit);
      second.learn(inputs, bit);
      early.learn(bit);
      late.learn(bit);
      match.learn(bit);
      for (let i = 0; i < CONTEXTS; i++) table.learn(places[i]! + nibble(), bit);
      tree = tree * 2 + bit;
      bitIndex++;
      if (bitIndex === 8) {
        const byte = tree & 0xff;
        contexts.push(byte);
        match.push(byte, contexts.last, contexts.before);
        tree = 1;
        bitIndex = 0;
        findSlots();
      } else if (bitIndex === 4) findSlots();
    },
  };
}

/** Counters in slots of 15 behind a check: those of the four bits of one half of a byte after one context. */
function counterTable(slotBits: number) {
  const counters = new Int32Array(SLOT_WORDS << slotBits);
  const uses = (slot: number) => counters[slot + 1]! & 0x3ff;
  return {
    counters,
    /** Where the slot of a hash begins; one that was forgotten for it is as new. */
    find(hash: number): number {
      const check = hash | 1;
      const place = Math.imul(hash, 0x9e3779b1) >>> (32 - slotBits);
      const slot = place * SLOT_WORDS;
      const beside = (place ^ 1) * SLOT_WORDS;
      if (counters[slot] === check) return slot;
      if (counters[beside] === check) return beside;
      const taken = uses(slot) <= uses(beside) ? slot : beside;
      counters.fill(FIRST_COUNTER, taken + 1, taken + SLOT_WORDS);
      counters[taken] = check;
      return taken;
    },
    learn(at: number, bit: number): void {
      const counter = counters[at]!;
      const count = counter & 0x3ff;
      const chance = counter >>> 10;
      const error = bit === 1 ? 4194303 - chance : chance;
      const step = ((error >> 3) * RATES[count]!) >> 9;
      const moved = bit === 1 ? chance + step : chance - step;
      counters[at] = (moved << 10) | Math.min(count + 1, MOST_USES);
    },
  };
}

/** Sets of weights, one of which is chosen for each bit. */
function mixer(sets: number) {
  const weights = new Int32Array(sets * INPUTS);
  for (let i = 0; i < weights.length; i++) {
    const input = i % INPUTS;
    if (input < CONTEXTS || input === MATCH_INPUT) weights[i] = FIRST_WEIGHT;
  }
  let start = 0;
  let mixed = 0;
  return {
    mix(inputs: Int32Array, set: number): number {
      start = set * INPUTS;
      let sum = 0;
      for (let i = 0; i < INPUTS; i++) sum = (sum + (Math.imul(inputs[i]!, weights[start + i]!) >> 8)) | 0;
      mixed = Math.min(2047, Math.max(-2047, sum >> 8));
      return mixed;
    },
    learn(inputs: Int32Array, bit: number): void {
      const error = ((bit << 12) - SQUASH[mixed + 2048]!) * LEARNING;
      for (let i = 0; i < INPUTS; i++) weights[start + i]! += (inputs[i]! * error + 0x8000) >> 16;
    },
  };
}

/** What a mixed chance has come to mean in a context: 33 points of it, and a line between two. */
function refiner(contexts: number) {
  const chances = new Uint16Array(contexts * POINTS);
  for (let i = 0; i < chances.length; i++)
    chances[i] = 16 * SQUASH[Math.max(1, (i % POINTS) * 128 - (i % POINTS === 32 ? 1 : 0))]!;
  let nearest = 0;
  return {
    refine(mixed: number, context: number): number {
      const at = mixed + 2048;
      const below = context * POINTS + (at >> 7);
      const weight = at & 127;
      nearest = below + (weight >> 6);
      return (chances[below]! * (128 - weight) + chances[below + 1]! * weight) >> 7;
    },
    learn(bit: number): void {
      chances[nearest] = towards(chances[nearest]!, bit);
    },
  };
}

/** Guesses the byte that followed when the last bytes were there before. */
function matchFinder(plainBytes: number) {
  const bytes = new Uint8Array(plainBytes);
  const places = new Int32Array(1 << 16);
  const chances = new Uint16Array(2 * (LONGEST_MATCH + 1)).fill(32768);
  let size = 0;
  let length = 0;
  let from = 0;
  let used = -1;
  let trust = 0;
  return {
    /** 0 without a guess, else 1..3. */
    get trust() {
      return trust;
    },
    predict(tree: number, bitIndex: number): number {
      used = -1;
      trust = 0;
      const guess = bytes[from]! + 256;
      if (length === 0 || guess >> (8 - bitIndex) !== tree) return 0;
      used = matchClass(length) * 2 + ((guess >> (7 - bitIndex)) & 1);
      trust = length < 8 ? 1 : length < 24 ? 2 : 3;
      return STRETCH[chances[used]! >> 4]!;
    },
    learn(bit: number): void {
      if (used >= 0) chances[used] = towards(chances[used]!, bit);
    },
    push(byte: number, last: number, before: number): void {
      if (length > 0 && bytes[from] === byte) {
        length = Math.min(length + 1, LONGEST_MATCH);
        from++;
      } else length = 0;
      bytes[size] = byte;
      size++;
      if (size < MATCH_BYTES) return;
      const place = mixHash(last, before & 0xff) >>> 16;
      if (length === 0) {
        from = places[place]!;
        while (
          length < LONGEST_MATCH &&
          length < from &&
          bytes[from - 1 - length] === bytes[size - 1 - length]
        )
          length++;
        if (length < MATCH_BYTES) length = 0;
      }
      places[place] = size;
    },
  };
}

function matchClass(length: number): number {
  return length < 16 ? length : length < 32 ? 16 : length < LONGEST_MATCH ? 17 : 18;
}

/** Moves a chance of 65536 by a 64th of what it is off. */
function towards(chance: number, bit: number): number {
  return bit === 1 ? chance + ((65535 - chance) >> 6) : chance - (chance >> 6);
}
