/**
 * The model of the recalling coder: for each byte, whether a guess is right, else the byte bit by bit. The plain
 * reference of kernels/coder/recall.ts; both keep to docs/coder.md to the last bit.
 */
import { mixHash, SQUASH, STRETCH } from './mix-tables.ts';
import { type Guess, guessFinder, type Window } from './recall-guesses.ts';
import { LENGTH_CLASSES, RECALL_RATES, WORD_BREAK, WORD_KINDS, WORD_LETTER } from './recall-tables.ts';

/** Codes a bit by the chance, of 65536, that it is a one: writes the one given, or finds out which it is. */
export type CodeBit = (chance: number, bit: number) => number;

const INPUTS = 8;
const SLOT_WORDS = 16;
const FIRST_COUNTER = 0x8000_0000 | 0;
const POINTS = 33;
/** The least and the most chance, of 65536. */
const LEAST = 16;
const NO_BYTE = 256;
/** How often a counter learns before it learns no more slowly. */
const PAST_USES = 255;
const GUESS_USES = 30;
const BYTE_USES = 127;
const GUESS_LEARNING = 14;
const BYTE_LEARNING = 50;
const WORD_FACTOR = 0x2f0b4c47;

/** Gives what codes the next byte of a stream: it takes the byte, or anything where `codeBit` finds out, and gives it. */
export function recallModel(windowBits: number, codeBit: CodeBit): (given: number) => number {
  const window: Window = { bytes: new Uint8Array(1 << windowBits), position: 0 };
  const finder = guessFinder(window, windowBits - 4);
  const state: State = { last: 0, before: 0, word: 0 };
  const codeGuess = guessCoder(windowBits - 4, state, codeBit);
  const codeNew = byteCoder(windowBits - 7, state, codeBit);
  return (given) => {
    finder.find();
    const [first, second, third] = finder.guesses as [Guess, Guess, Guess];
    const bytes = finder.guesses.map(finder.byteOf) as [number, number, number];
    const [one, two, three] = bytes;
    let found = NO_BYTE;
    let refused = NO_BYTE;
    let refusedToo = NO_BYTE;
    const tries = (guess: Guess, byte: number, later: number, agree: number) => {
      if (codeGuess(guess, byte, later, agree, given === byte ? 1 : 0) === 1) found = byte;
      else if (later === 0) refused = byte;
      else refusedToo = byte;
    };
    if (one !== NO_BYTE) {
      tries(first, one, 0, finder.isSure ? 0 : agreement(one, two) + 3 * agreement(one, three));
      if (found === NO_BYTE && two !== NO_BYTE && two !== one) tries(second, two, 1, agreement(two, three));
      if (found === NO_BYTE && three !== NO_BYTE && three !== one && three !== refusedToo)
        tries(third, three, 1, 0);
    }
    const byte = found === NO_BYTE ? codeNew(given, refused, refusedToo) : found;
    finder.follow(byte, byte === one);
    window.bytes[window.position & (window.bytes.length - 1)] = byte;
    window.position++;
    state.before = (state.before << 8) | (state.last >>> 24);
    state.last = (state.last << 8) | byte;
    const kind = WORD_KINDS[byte]!;
    if (kind === WORD_LETTER) state.word = Math.imul(state.word + byte + 1, WORD_FACTOR);
    else if (kind === WORD_BREAK) state.word = byte;
    return byte;
  };
}

/** What bytes came last: the last four, the four before, and the word that is being written. */
interface State {
  last: number;
  before: number;
  word: number;
}

/** How another guess stands to one: it is none, the same, or another. */
function agreement(byte: number, other: number): number {
  return other === NO_BYTE ? 0 : other === byte ? 1 : 2;
}

function guessCoder(cellBits: number, state: State, codeBit: CodeBit) {
  const pasts = new Int32Array(2 << 12).fill(FIRST_COUNTER);
  const cells = new Int32Array(1 << cellBits).fill(FIRST_COUNTER);
  const weights = new Int32Array(512 * INPUTS).map((_, i) => (i % INPUTS === INPUTS - 1 ? 0 : 20000));
  const rows = newRows(16 * 256);
  const inputs = new Int32Array(INPUTS);
  inputs[INPUTS - 1] = 256;
  const cell = (a: number, b: number) => mixHash(a, b) >>> (32 - cellBits);
  return ({ length, misses }: Guess, byte: number, later: number, agree: number, given: number): number => {
    const { last, before, word } = state;
    const size = LENGTH_CLASSES[Math.min(length, 511)]!;
    const base = byte | (later << 8);
    const past = (later << 12) | (size << 8) | (misses & 0xff);
    const used = [
      cell(base | 0x10000 | ((size >> 2) << 20), last & 0xff),
      cell(base | 0x20000, last & 0xffff),
      cell(base | 0x30000, last & 0xffffff),
      cell(mixHash(base | 0x40000, last), before & 0xff),
      cell(base | 0x50000, word),
      cell(base | 0x60000, agree * 16 + size),
    ];
    inputs[0] = STRETCH[pasts[past]! >>> 20]!;
    for (const [i, at] of used.entries()) inputs[i + 1] = STRETCH[cells[at]! >>> 20]!;
    const set = ((later << 8) | (size << 4) | (misses & 15)) * INPUTS;
    const mixed = mix(inputs, weights, set);
    const row = (size * 256 + byte) * POINTS;
    const bit = codeBit(within((SQUASH[mixed + 2048]! * 16 + refine(rows, row, mixed)) >> 1), given);
    train(inputs, weights, set, mixed, bit, GUESS_LEARNING);
    learnPoint(rows, row, mixed, bit);
    count(pasts, past, bit, PAST_USES);
    for (const at of used) count(cells, at, bit, GUESS_USES);
    return bit;
  };
}

function byteCoder(slotBits: number, state: State, codeBit: CodeBit) {
  const counters = new Int32Array(SLOT_WORDS << slotBits);
  const first = new Int32Array(9 * 256 * INPUTS).fill(22000);
  const second = new Int32Array(256 * 8 * INPUTS).fill(22000);
  const early = newRows(3 * 256);
  const late = newRows(4096);
  const inputs = new Int32Array(INPUTS);
  const find = slotFinder(counters, slotBits);
  return (given: number, refused: number, refusedToo: number): number => {
    const { last, before, word } = state;
    const hashes = [
      mixHash(2, last & 0xff),
      mixHash(3, last & 0xffff),
      mixHash(4, last & 0xffffff),
      mixHash(5, last),
      mixHash(7, word),
      mixHash(1, refused),
      mixHash(8, last & 0xffff00),
      mixHash(mixHash(6, last), before & 0xffff),
    ];
    let slots = hashes.map(find);
    let tree = 1;
    let node = 1;
    for (let i = 0; i < 8; i++) {
      if (i === 4) {
        slots = hashes.map((hash) => find(mixHash(hash, tree)));
        node = 1;
      }
      for (const [j, slot] of slots.entries()) inputs[j] = STRETCH[counters[slot + node]! >>> 20]!;
      const barred = bars(refused, i, tree);
      const one = ((barred * 3 + bars(refusedToo, i, tree)) * 256 + tree) * INPUTS;
      const other = ((last & 0xff) * 8 + i) * INPUTS;
      const oneMixed = mix(inputs, first, one);
      const otherMixed = mix(inputs, second, other);
      const mean = (oneMixed + otherMixed) >> 1;
      const fine = (barred * 256 + tree) * POINTS;
      const finer = (mixHash(last & 0xffff, tree) >>> 20) * POINTS;
      const chance = 32 * SQUASH[mean + 2048]! + refine(early, fine, mean) + refine(late, finer, mean);
      const bit = codeBit(within(chance >> 2), (given >> (7 - i)) & 1);
      train(inputs, first, one, oneMixed, bit, BYTE_LEARNING);
      train(inputs, second, other, otherMixed, bit, BYTE_LEARNING);
      learnPoint(early, fine, mean, bit);
      learnPoint(late, finer, mean, bit);
      for (const slot of slots) count(counters, slot + node, bit, BYTE_USES);
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

/** Finds where the slot of a hash begins, as the mixing coder does; one that was forgotten for it is as new. */
function slotFinder(counters: Int32Array, slotBits: number): (hash: number) => number {
  const uses = (slot: number) => counters[slot + 1]! & 0x3ff;
  return (hash) => {
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
  };
}

function count(counters: Int32Array, at: number, bit: number, mostUses: number): void {
  const uses = counters[at]! & 0x3ff;
  const chance = counters[at]! >>> 10;
  const error = bit === 1 ? 4194303 - chance : chance;
  const step = ((error >> 3) * RECALL_RATES[uses]!) >> 9;
  counters[at] = ((bit === 1 ? chance + step : chance - step) << 10) | Math.min(uses + 1, mostUses);
}

function mix(inputs: Int32Array, weights: Int32Array, set: number): number {
  let sum = 0;
  for (let i = 0; i < INPUTS; i++) sum = (sum + (Math.imul(inputs[i]!, weights[set + i]!) >> 8)) | 0;
  return Math.min(2047, Math.max(-2047, sum >> 8));
}

function train(
  inputs: Int32Array,
  weights: Int32Array,
  set: number,
  mixed: number,
  bit: number,
  learning: number,
): void {
  const error = ((bit << 12) - SQUASH[mixed + 2048]!) * learning;
  for (let i = 0; i < INPUTS; i++) weights[set + i]! += (Math.imul(inputs[i]!, error) + 0x8000) >> 16;
}

function newRows(count: number): Uint16Array {
  return Uint16Array.from(
    { length: count * POINTS },
    (_, i) => 16 * SQUASH[Math.max(1, (i % POINTS) * 128 - (i % POINTS === POINTS - 1 ? 1 : 0))]!,
  );
}

function refine(rows: Uint16Array, row: number, mixed: number): number {
  const at = row + ((mixed + 2048) >> 7);
  const weight = (mixed + 2048) & 127;
  return (rows[at]! * (128 - weight) + rows[at + 1]! * weight) >> 7;
}

/** The nearer of the two points that `refine` took moves by a 64th of what it is off. */
function learnPoint(rows: Uint16Array, row: number, mixed: number, bit: number): void {
  const nearest = row + ((mixed + 2048) >> 7) + (((mixed + 2048) & 127) >> 6);
  const chance = rows[nearest]!;
  rows[nearest] = bit === 1 ? chance + ((65535 - chance) >> 6) : chance - (chance >> 6);
}

function within(chance: number): number {
  return Math.min(65536 - LEAST, Math.max(LEAST, chance));
}
