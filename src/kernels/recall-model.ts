/**
 * The model of the recalling coder: whether a guess is right for a run of bytes, else for each byte whether one is, else
 * the byte bit by bit. The plain reference of kernels/coder/recall.ts; both keep to docs/coder.md to the last bit.
 */
import { learnCounters, mixInputs, newCounters, newRefiner, newSlots, trainWeights } from './mix-parts.ts';
import { mixHash, SQUASH, STRETCH } from './mix-tables.ts';
import { type Guess, guessFinder, type Window } from './recall-guesses.ts';
import {
  BIT_RATES,
  CELL_RATES,
  LENGTH_CLASSES,
  PAST_RATES,
  runLength,
  SURE_LENGTH,
  WORD_BREAK,
  WORD_KINDS,
  WORD_LETTER,
} from './recall-tables.ts';

/** Codes a bit by the chance, of 65536, that it is a one: writes the one given, or finds out which it is. */
export type CodeBit = (chance: number, bit: number) => number;

const INPUTS = 4;
/** The least and the most chance, of 65536. */
const LEAST = 16;
const NO_BYTE = 256;
const FIRST_FLAG_WEIGHT = 5000;
const FIRST_BYTE_WEIGHT = 6250;
const GUESS_LEARNING = 2;
const BYTE_LEARNING = 8;
/** Chances of refiners move by a 32nd. */
const CHANCE_SHIFT = 5;
const WORD_FACTOR = 0x2f0b4c47;

/**
 * Codes the next byte or run of a stream, and gives it. Where `codeBit` writes, it takes the bytes that come, `isEnd`
 * when there are no more, and gives undefined when it has to be given more of them; at the end it may give more than
 * there are.
 */
export type CodeNext = (given?: Uint8Array, isEnd?: boolean) => readonly number[] | undefined;

export function recallModel(windowBits: number, codeBit: CodeBit): CodeNext {
  const window: Window = { bytes: new Uint8Array(1 << windowBits), position: 0 };
  const finder = guessFinder(window, windowBits - 5);
  const state: State = { last: 0, word: 0 };
  const flags = flagCoder(windowBits - 3, state, codeBit);
  const codeNew = byteCoder(windowBits - 7, state, codeBit);
  /** Bytes up to the end of a run in which there is a wrong one, not made yet. */
  let left = 0;
  const goOn = (byte: number, isInRun: boolean) => {
    finder.follow(byte, isInRun);
    window.bytes[window.position & (window.bytes.length - 1)] = byte;
    window.position++;
    state.last = (state.last << 8) | byte;
    const kind = WORD_KINDS[byte]!;
    if (kind === WORD_LETTER) state.word = Math.imul(state.word + byte + 1, WORD_FACTOR);
    else if (kind === WORD_BREAK) state.word = byte;
    return byte;
  };
  /** A byte, of which it is known whether the first guess is wrong before the end of a run. */
  const codeByte = (given: number): number => {
    const [first, second] = finder.guesses as [Guess, Guess, Guess];
    const [one, two, three] = finder.guesses.map(finder.byteOf) as [number, number, number];
    const isInRun = left > 0;
    let refusedToo = NO_BYTE;
    if (one !== NO_BYTE) {
      const isOne = given === one ? 1 : 0;
      const agree = agreement(one, two) + 3 * agreement(one, three);
      const said = isInRun ? flags.ofLeft(one, left, isOne) : flags.ofGuess(first, one, 0, agree, isOne);
      left = isInRun && said === 1 ? left - 1 : 0;
      if (said === 1) return goOn(one, isInRun);
      if (two !== NO_BYTE && two !== one) {
        refusedToo = two;
        const isTwo = given === two ? 1 : 0;
        if (flags.ofGuess(second, two, 1, agreement(two, three), isTwo) === 1) return goOn(two, isInRun);
      }
    }
    return goOn(codeNew(given, one, refusedToo), isInRun);
  };
  return (given, isEnd = true) => {
    const [first] = finder.guesses as [Guess];
    if (left === 0 && first.distance !== 0 && first.length >= SURE_LENGTH) {
      const length = runLength(first.length);
      const ready = given?.subarray(0, length);
      const isRight =
        ready?.every((byte, at) => byte === runByte(window, first.distance, at, ready)) ?? false;
      if (isRight && ready!.length < length && !isEnd) return undefined;
      if (flags.ofRun(first, nextOf(window, first.distance), isRight ? 1 : 0) === 1)
        return Array.from({ length }, () => goOn(finder.byteOf(first), true));
      left = length;
    } else if (given?.length === 0) return undefined;
    if (left === 0) finder.find();
    return [codeByte(given?.[0] ?? 0)];
  };
}

/** What bytes came last: the last four, and the word that is being written. */
interface State {
  last: number;
  word: number;
}

/** Byte `at` of a run that is taken from `distance` before it, where `given` comes next. */
function runByte({ bytes, position }: Window, distance: number, at: number, given: Uint8Array): number {
  return at < distance ? bytes[(position + at - distance) & (bytes.length - 1)]! : given[at - distance]!;
}

/** The four bytes that a run begins with, the first lowest; 0 where they aren't there yet. */
function nextOf({ bytes, position }: Window, distance: number): number {
  if (distance < 4) return 0;
  const at = (i: number) => bytes[(position - distance + i) & (bytes.length - 1)]!;
  return at(0) | (at(1) << 8) | (at(2) << 16) | (at(3) << 24);
}

/** How another guess stands to one: it is none, the same, or another. */
function agreement(byte: number, other: number): number {
  return other === NO_BYTE ? 0 : other === byte ? 1 : 2;
}

/** Counters, weights and a row of one flag, by number; `bit` is what is to be coded. */
interface Flag {
  readonly past: number;
  readonly cells: readonly number[];
  readonly set: number;
  readonly row: number;
  readonly bit: number;
}

function flagCoder(cellBits: number, state: State, codeBit: CodeBit) {
  const pasts = newCounters(12416);
  const cells = newCounters(1 << cellBits);
  const weights = new Int16Array(1024 * INPUTS).fill(FIRST_FLAG_WEIGHT);
  const refiner = newRefiner(8320, CHANCE_SHIFT);
  const inputs = new Int16Array(INPUTS);
  const cell = (a: number, b: number) => mixHash(a, b) >>> (32 - cellBits);
  const code = ({ past, cells: used, set, row, bit: given }: Flag): number => {
    inputs[0] = STRETCH[pasts[past]! >>> 4]!;
    for (const [i, at] of used.entries()) inputs[i + 1] = STRETCH[cells[at]! >>> 4]!;
    const mixed = mixInputs(inputs, weights, set * INPUTS);
    const chance = SQUASH[mixed + 2048]! * 16 + refiner.refine(mixed, row);
    const bit = codeBit(within(chance >> 1), given);
    trainWeights(inputs, weights, set * INPUTS, mixed, bit, GUESS_LEARNING);
    refiner.learn(mixed, row, bit);
    learnCounters(pasts, [past], bit, PAST_RATES);
    learnCounters(cells, used, bit, CELL_RATES);
    return bit;
  };
  return {
    /** Whether a guess is right; `later` is 0 for the first, and 1 for the second. */
    ofGuess({ length, misses }: Guess, byte: number, later: number, agree: number, bit: number): number {
      const size = classOf(length);
      const base = byte | (later << 8);
      return code({
        past: (later << 12) | (size << 8) | (misses & 0xff),
        cells: [
          cell(base | 0x10000 | ((size >> 2) << 20), state.last & 0xff),
          cell(base | 0x20000, state.last & 0xffff),
          cell(base | 0x30000, agree * 16 + size),
        ],
        set: (later << 8) | (size << 4) | (misses & 15),
        row: size * 256 + byte,
        bit,
      });
    },
    /** Whether the first guess has a run right, which it says begins with these four bytes. */
    ofRun({ length, misses }: Guess, next: number, bit: number): number {
      const size = classOf(length);
      return code({
        past: 0x2000 | (size << 8) | (misses & 0xff),
        cells: [
          cell(0x40000 | size, state.last & 0xffff),
          cell(0x50000 | size, next & 0xffff),
          cell(0x60000, next),
        ],
        set: 512 | (size << 4) | (misses & 15),
        row: 4096 + size * 256 + (next & 0xff),
        bit,
      });
    },
    /** Whether the first guess is right, of which it is known that it is wrong in one of the next `left` bytes. */
    ofLeft(byte: number, left: number, bit: number): number {
      if (left === 1) return 0;
      return code({
        past: 0x3000 | left,
        cells: [
          cell(byte | 0x70000, state.last & 0xffff),
          cell(byte | 0x80000, state.last),
          cell(byte | 0x90000, left),
        ],
        set: 768 | left,
        row: 8192 + left,
        bit,
      });
    },
  };
}

function classOf(length: number): number {
  return LENGTH_CLASSES[Math.min(length, LENGTH_CLASSES.length - 1)]!;
}

function byteCoder(slotBits: number, state: State, codeBit: CodeBit) {
  const { counters, find } = newSlots(slotBits);
  const first = new Int16Array(9 * 256 * INPUTS).fill(FIRST_BYTE_WEIGHT);
  const second = new Int16Array(256 * 8 * INPUTS).fill(FIRST_BYTE_WEIGHT);
  const refiner = newRefiner(3 * 256, CHANCE_SHIFT);
  const inputs = new Int16Array(INPUTS);
  return (given: number, refused: number, refusedToo: number): number => {
    const { last, word } = state;
    const hashes = [
      mixHash(2, last & 0xff),
      mixHash(3, last & 0xffff),
      mixHash(1 + (refused << 8), last & 0xff),
      mixHash(7, word),
    ];
    let slots = hashes.map(find);
    let tree = 1;
    let node = 1;
    for (let i = 0; i < 8; i++) {
      if (i === 4) {
        slots = hashes.map((hash) => find(mixHash(hash, tree)));
        node = 1;
      }
      for (const [j, slot] of slots.entries()) inputs[j] = STRETCH[counters[slot + node]! >>> 4]!;
      const barred = bars(refused, i, tree);
      const one = ((barred * 3 + bars(refusedToo, i, tree)) * 256 + tree) * INPUTS;
      const other = ((last & 0xff) * 8 + i) * INPUTS;
      const oneMixed = mixInputs(inputs, first, one);
      const otherMixed = mixInputs(inputs, second, other);
      const mean = (oneMixed + otherMixed) >> 1;
      const row = barred * 256 + tree;
      const chance = 16 * SQUASH[mean + 2048]! + 3 * refiner.refine(mean, row);
      const bit = codeBit(within(chance >> 2), (given >> (7 - i)) & 1);
      trainWeights(inputs, first, one, oneMixed, bit, BYTE_LEARNING);
      trainWeights(inputs, second, other, otherMixed, bit, BYTE_LEARNING);
      refiner.learn(mean, row, bit);
      learnCounters(
        counters,
        slots.map((slot) => slot + node),
        bit,
        BIT_RATES,
      );
      tree = tree * 2 + bit;
      node = node * 2 + bit;
    }
    return tree & 0xff;
  };
}

/** 0 when a refused byte is none, or can't come any more; else 1 plus the bit that it has next. */
function bars(refused: number, i: number, tree: number): number {
  if (refused === NO_BYTE || (refused | 256) >> (8 - i) !== tree) return 0;
  return 1 + ((refused >> (7 - i)) & 1);
}

function within(chance: number): number {
  return Math.min(65536 - LEAST, Math.max(LEAST, chance));
}
