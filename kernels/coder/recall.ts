// The recalling coder of docs/coder.md: the hot loop behind src/kernels/recall.ts. The plain reference is
// src/kernels/recall-model.ts. Its caller has put the tables of mix-tables.ts in place, and moves bytes in and out of
// the window, and of the buffer at `codedAt`.
// Compiled with --initialMemory 32 --enable simd.
import { fillRows, SQUASH, STRETCH } from '../shared/chances';
import { SLOT_BYTES } from '../shared/small-counters';
import {
  beginInput,
  bytesPastEnd,
  endOutput,
  isEnough,
  MOST_CODED,
  openInput,
  openOutput,
  startBits,
  takenBytes,
  writtenBytes,
} from './recall/bits';
import { codeNew, startBytes } from './recall/bytes';
import { codeGuess, codeLeft, codeRun, startFlags } from './recall/flags';
import {
  distanceOf,
  findGuesses,
  followAll,
  followFirst,
  guessedByte,
  lengthenFirst,
  lengthOf,
  notePosition,
  roll,
  startGuesses,
} from './recall/guesses';
import {
  CELLS,
  CLASSES,
  CODED,
  CODED_BYTES,
  FLAG_REFINER,
  HASHES,
  INDEX_END,
  ORDERS,
  PAST_RATES,
  REFINERS_END,
  SLACK,
  WORDS,
} from './recall/layout';

// From this length on, a guess is sure of the next bytes as a whole: a run, which is so long, by the guess's length.
const SURE: i32 = 16;
const SHORT_RUN: i32 = 16;
const RUN: i32 = 32;
const LONG_RUN: i32 = 64;
const WORD_FACTOR: u32 = 0x2f0b4c47;
// So much is in memory besides the window before it is moved.
const SLIDE: usize = 1 << 19;

let isDecoder: bool = false;
let window: usize = 0;
let windowBytes: i32 = 0;
// Where the byte of position 0 would stand.
let origin: usize = 0;
// Where the window can't grow any more.
let roof: usize = 0;
let position: i32 = 0;
let last: u32 = 0;
let word: u32 = 0;
// Bytes up to here are in the window: an encoder may hold some that are to be coded.
let filled: i32 = 0;
let isEnding: bool = false;
// Bytes that are still to be made of a run that is right as a whole.
let running: i32 = 0;
// Bytes up to the end of a run in which there is a wrong one, not made yet.
let left: i32 = 0;

export function squashAt(): usize {
  return SQUASH;
}

export function stretchAt(): usize {
  return STRETCH;
}

export function ratesAt(): usize {
  return PAST_RATES;
}

export function classesAt(): usize {
  return CLASSES;
}

export function wordsAt(): usize {
  return WORDS;
}

export function codedAt(): usize {
  return CODED;
}

// Where the next plain byte is to be put, or will be made.
export function plainAt(): usize {
  return origin + <usize>filled;
}

// How much memory a window of so many bits takes.
export function memoryFor(windowBits: i32): usize {
  return (
    CELLS +
    (<usize>2 << (windowBits - 3)) +
    (<usize>4 << (windowBits - 5)) * ORDERS +
    (SLOT_BYTES << (windowBits - 7)) +
    (<usize>1 << windowBits) +
    SLIDE +
    2 * SLACK
  );
}

// Makes everything as it is before the first byte of a stream; there is memory for the window.
export function start(decodes: bool, windowBits: i32): void {
  isDecoder = decodes;
  windowBytes = 1 << windowBits;
  const cellBits = windowBits - 3;
  const placeBits = windowBits - 5;
  const slotBits = windowBits - 7;
  const slots = CELLS + (<usize>2 << cellBits);
  const heads = slots + (SLOT_BYTES << slotBits);
  window = heads + ORDERS * (<usize>4 << placeBits) + SLACK;
  origin = window;
  roof = window + <usize>windowBytes + SLIDE;
  position = filled = running = left = 0;
  isEnding = false;
  last = word = 0;
  memory.fill(HASHES, 0, INDEX_END - HASHES);
  memory.fill(slots, 0, window - slots);
  fillRows(FLAG_REFINER, REFINERS_END);
  startBits(decodes);
  startGuesses(heads, placeBits, windowBytes);
  startFlags(cellBits);
  startBytes(slots, slotBits);
}

// How many bytes may be put at `plainAt`, or made there, at once: 1 or more.
export function room(): i32 {
  const here = plainAt();
  if (here >= roof) {
    // All but the window goes, as seen from the first byte that isn't coded.
    const kept = <usize>windowBytes + LONG_RUN;
    memory.copy(window, here - kept, kept);
    origin = window + kept - <usize>filled;
  }
  const most = roof - plainAt();
  return <i32>(isDecoder ? most : min<usize>(most, CODED_BYTES / MOST_CODED));
}

// Takes the `count` bytes that stand at `plainAt`, and codes what can be; gives how many bytes at `codedAt` are ready.
export function encode(count: i32): i32 {
  openOutput();
  filled += count;
  while (position < filled && codeNext()) {}
  return writtenBytes();
}

// Codes what is left at the end; gives how many bytes at `codedAt` that takes.
export function finish(): i32 {
  openOutput();
  isEnding = true;
  while (position < filled && codeNext()) {}
  endOutput();
  return writtenBytes();
}

// Codes the next bytes of those that were given; false when more have to be given before.
function codeNext(): bool {
  const most = runLength();
  if (most !== 0) {
    const ready = min(most, filled - position);
    const right = sameFrom(ready);
    if (right === ready && ready < most && !isEnding) return false;
    if (codeRun(origin + <usize>position, last, right === ready ? 1 : 0) !== 0) {
      skip(ready);
      return true;
    }
    left = most;
  }
  codeByte(<i32>load<u8>(origin + <usize>position));
  return true;
}

// Makes up to `most` of the next bytes; gives how many.
function makeNext(most: i32): i32 {
  if (running === 0) {
    const length = runLength();
    if (length !== 0) {
      if (codeRun(origin + <usize>position, last, 0) !== 0) running = length;
      else left = length;
    }
  }
  const here = origin + <usize>position;
  if (running === 0) {
    store<u8>(here, <u8>codeByte(0));
    return 1;
  }
  const count = min(running, most);
  const distance = <usize>distanceOf(0);
  for (let at = here; at < here + <usize>count; at++) store<u8>(at, load<u8>(at - distance));
  skip(count);
  running -= count;
  return count;
}

// How many of the next bytes are said at once to be those of the first guess, or not; 0 where none are.
@inline
function runLength(): i32 {
  const length = lengthOf(0);
  if (left !== 0 || distanceOf(0) === 0 || length < SURE) return 0;
  return length < 48 ? SHORT_RUN : length < 96 ? RUN : LONG_RUN;
}

// How many of the next bytes, up to `most`, the first guess has right.
@inline
function sameFrom(most: i32): i32 {
  const here = origin + <usize>position;
  const distance = <usize>distanceOf(0);
  let same = 0;
  while (same < most && load<u8>(here + <usize>same) === load<u8>(here + <usize>same - distance)) same++;
  return same;
}

// Goes on behind bytes that the first guess had right.
function skip(count: i32): void {
  const here = origin + <usize>position;
  const end = here + <usize>count;
  for (let at = here; at < end; at++) goOnWord(load<u8>(at));
  // Of those, no hash has more than the last 16.
  for (let at = end - 16; at < end; at++) roll(load<u8>(at));
  last = bswap<u32>(load<u32>(end - 4));
  position += count;
  if (isDecoder) filled = position;
  lengthenFirst(count);
}

// Takes the first four coded bytes at `codedAt`, or as many as there are.
export function begin(size: i32): void {
  openInput(size);
  beginInput();
}

// Goes on with `size` coded bytes at `codedAt`, and makes up to `count` bytes at `plainAt`: fewer when so little is left
// of the coded ones that the next byte may need more, unless they are the last. Gives how many it made.
export function decode(size: i32, isLast: bool, count: i32): i32 {
  openInput(size);
  let made = 0;
  while (made < count && (running !== 0 || isEnough(isLast))) made += makeNext(count - made);
  return made;
}

// How many of the coded bytes the last `decode` or `begin` took.
export function usedBytes(): i32 {
  return takenBytes();
}

// How many bytes past the end of the coded ones were taken, as zeros.
export function missingBytes(): i32 {
  return bytesPastEnd();
}

// Codes the byte at `position`, which a decoder doesn't know yet, and goes on behind it. Gives the byte.
function codeByte(given: i32): i32 {
  const here = origin + <usize>position;
  const isLeft = left !== 0;
  if (!isLeft) findGuesses(here, position);
  let byte: i32 = -1;
  let refused: i32 = 256;
  let refusedToo: i32 = 256;
  const first = guessedByte(0, here);
  if (first !== 256) {
    const second = guessedByte(1, here);
    const third = guessedByte(2, here);
    const isRight = given === first ? 1 : 0;
    const said = isLeft
      ? codeLeft(first, left, last, isRight)
      : codeGuess(0, first, agreement(first, second) + 3 * agreement(first, third), last, isRight);
    if (said !== 0) byte = first;
    else {
      refused = first;
      if (second !== 256 && second !== first) {
        refusedToo = second;
        if (codeGuess(1, second, agreement(second, third), last, given === second ? 1 : 0) !== 0)
          byte = second;
      }
    }
  }
  if (byte < 0) byte = codeNew(given, refused, refusedToo, last, word);
  if (isLeft && refused === 256) {
    left--;
    followFirst(here, byte);
  } else {
    left = 0;
    followAll(here, byte);
  }
  if (!isLeft) notePosition(position);
  goOn(<u32>byte);
  return byte;
}

@inline
function goOnWord(byte: u32): void {
  const kind = load<u8>(WORDS + <usize>byte);
  if (kind === 1) word = (word + byte + 1) * WORD_FACTOR;
  else if (kind === 0) word = byte;
}

@inline
function agreement(guess: i32, other: i32): i32 {
  return other === 256 ? 0 : other === guess ? 1 : 2;
}

@inline
function goOn(byte: u32): void {
  last = (last << 8) | byte;
  goOnWord(byte);
  roll(byte);
  position++;
  if (isDecoder) filled = position;
}
