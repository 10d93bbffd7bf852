/**
 * The model of the mixing coder, one bit after the other: what is the chance of a one, given all bits before? The plain
 * reference of kernels/coder/mix.ts; both keep to docs/coder.md to the last bit.
 */
import { CONTEXTS, type MixKind, mixContexts } from './mix-contexts.ts';
import { learnCounters, mixInputs, newRefiner, newSlots, towards, trainWeights } from './mix-parts.ts';
import { mixHash, RATES, SQUASH, STRETCH } from './mix-tables.ts';

const INPUTS = 2 * CONTEXTS + 2;
const MATCH_INPUT = 2 * CONTEXTS;
const MOST_SLOT_BITS = 16;
const FIRST_WEIGHT = 3277;
const LEARNING = 4;
/** Chances move by a 64th. */
const CHANCE_SHIFT = 6;
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
  const { counters, find } = newSlots(slotBitsFor(plainBytes));
  const match = matchFinder(plainBytes);
  const first = newWeights(4 * 256);
  const second = newWeights(256 * 8);
  const refiner = newRefiner(256, CHANCE_SHIFT);
  const places: number[] = new Array(CONTEXTS).fill(0);
  const inputs = new Int16Array(INPUTS);
  inputs[INPUTS - 1] = 256;
  let [firstSet, secondSet, one, other] = [0, 0, 0, 0];
  let tree = 1;
  let bitIndex = 0;
  const findSlots = () => {
    for (let i = 0; i < CONTEXTS; i++) {
      const hash = contexts.hashes[i]!;
      places[i] = find(bitIndex === 0 ? hash : mixHash(hash, tree));
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
        const chance = counters[places[i]! + nibble()]! >> 4;
        inputs[i] = STRETCH[chance]!;
        inputs[CONTEXTS + i] = (chance - 2048) >> 1;
      }
      inputs[MATCH_INPUT] = match.predict(tree, bitIndex);
      firstSet = (match.trust * 256 + tree) * INPUTS;
      secondSet = (contexts.selector * 8 + bitIndex) * INPUTS;
      one = mixInputs(inputs, first, firstSet);
      other = mixInputs(inputs, second, secondSet);
      const mean = (one + other) >> 1;
      const chance = (16 * SQUASH[mean + 2048]! + 3 * refiner.refine(mean, tree)) >> 2;
      return Math.min(65536 - LEAST, Math.max(LEAST, chance));
    },
    push(bit) {
      trainWeights(inputs, first, firstSet, one, bit, LEARNING);
      trainWeights(inputs, second, secondSet, other, bit, LEARNING);
      refiner.learn((one + other) >> 1, tree, bit);
      match.learn(bit);
      const node = nibble();
      learnCounters(
        counters,
        places.map((place) => place + node),
        bit,
        RATES,
      );
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

/** Sets of weights, one of which is chosen for each bit. */
function newWeights(sets: number): Int16Array {
  return Int16Array.from({ length: sets * INPUTS }, (_, i) =>
    i % INPUTS < CONTEXTS || i % INPUTS === MATCH_INPUT ? FIRST_WEIGHT : 0,
  );
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
      if (used >= 0) chances[used] = towards(chances[used]!, bit, CHANCE_SHIFT);
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
