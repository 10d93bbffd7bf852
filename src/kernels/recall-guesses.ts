/**
 * Where in the window the bytes before the next one were seen before, and what followed there: up to three guesses of
 * the next byte, the best first. Part of the plain reference of kernels/coder/recall.ts (docs/coder.md, "Guesses").
 */

const LOOKED_FOR_LENGTH = 16;
const COMPARED_BYTES = 32;
const LONGEST = 65535;
const MOST_MISSES = 8;
/** What a guess that was long keeps of its length when it is wrong once: it is mostly right again. */
const MOST_KEPT = 12;
const FACTOR = 0x2f0b4c47;
/** Of a position, so many bits are noted, and above them a part of the hash that its place doesn't tell. */
const NOTED_BITS = 23;
const CHECK_FACTOR = 0x85ebca6b;
/** How each hash of the last bytes rolls on, and the least length of a guess that it finds. */
const ORDERS = [
  { shift: 8, least: 4 },
  { shift: 4, least: 8 },
  { shift: 2, least: 16 },
] as const;

export interface Guess {
  /** What is guessed stands so many bytes before the next; 0: there is no guess. */
  distance: number;
  /** So many bytes it guessed right, or stand before both places. */
  length: number;
  /** A bit for each of the last 32 bytes, the latest lowest: 1 where it was wrong. */
  misses: number;
}

/** The bytes before the next one, which is number `position`; places are kept modulo the window. */
export interface Window {
  readonly bytes: Uint8Array;
  position: number;
}

export function guessFinder(window: Window, placeBits: number) {
  const mask = window.bytes.length - 1;
  const guesses: Guess[] = [0, 1, 2].map(() => ({ distance: 0, length: 0, misses: 0 }));
  const heads = ORDERS.map(() => new Uint32Array(1 << placeBits));
  const rolled = new Int32Array(ORDERS.length);
  const at = (distance: number) => window.bytes[(window.position - distance) & mask]!;
  const sameBefore = (distance: number): number => {
    const most = Math.min(COMPARED_BYTES, window.position - distance);
    let length = 0;
    while (length < most && at(length + 1) === at(length + 1 + distance)) length++;
    return length;
  };
  const lookUp = () => {
    for (let order = ORDERS.length - 1; order >= 0; order--) {
      const note = heads[order]![rolled[order]! >>> (32 - placeBits)]!;
      if ((note ^ noteOf(rolled[order]!, window.position)) >>> NOTED_BITS !== 0) continue;
      const distance = (window.position - note) & (2 ** NOTED_BITS - 1);
      if (distance === 0 || distance > window.bytes.length - COMPARED_BYTES) continue;
      if (guesses.some((guess) => guess.distance === distance)) continue;
      const length = sameBefore(distance);
      const worst = guesses.reduce((least, guess) => (worth(guess) < worth(least) ? guess : least));
      if (length < ORDERS[order]!.least || length <= worth(worst)) continue;
      Object.assign(worst, { distance, length, misses: 0 });
    }
  };
  return {
    guesses,
    /** The byte that a guess gives, or 256 where there is none. */
    byteOf: ({ distance }: Guess): number => (distance === 0 ? 256 : at(distance)),
    /** Finds guesses of the next byte, and puts the best first. */
    find(): void {
      const [first] = guesses as [Guess];
      if (first.distance === 0 || first.length < LOOKED_FOR_LENGTH) lookUp();
      guesses.sort((a, b) => rank(b) - rank(a));
    },
    /**
     * To be told the next byte, before it is in the window. In a run nothing is found: the other guesses rest while the
     * first is right, and the place is not noted.
     */
    follow(byte: number, isInRun: boolean): void {
      const isRight = guesses[0]!.distance !== 0 && at(guesses[0]!.distance) === byte;
      for (const guess of isInRun && isRight ? guesses.slice(0, 1) : guesses) {
        if (guess.distance === 0) continue;
        const isRight = at(guess.distance) === byte;
        guess.length = isRight ? Math.min(guess.length + 1, LONGEST) : Math.min(guess.length >> 2, MOST_KEPT);
        guess.misses = (guess.misses << 1) | (isRight ? 0 : 1);
        if (!isRight && countBits(guess.misses & 0xffff) > MOST_MISSES) guess.distance = 0;
      }
      for (const [order, { shift }] of ORDERS.entries()) {
        const hash = rolled[order]!;
        if (!isInRun) heads[order]![hash >>> (32 - placeBits)] = noteOf(hash, window.position);
        rolled[order] = Math.imul(hash, FACTOR << shift) + Math.imul(byte + 1, 0x9e3779b1);
      }
    },
  };
}

function noteOf(hash: number, position: number): number {
  const check = Math.imul(hash, CHECK_FACTOR) >>> NOTED_BITS;
  return ((check << NOTED_BITS) | (position & (2 ** NOTED_BITS - 1))) >>> 0;
}

/** A guess goes when one comes that is longer than this. */
function worth({ distance, length, misses }: Guess): number {
  return distance === 0 ? -1 : length + ((misses & 0xff) === 0 ? 8 : 0);
}

function rank({ distance, length, misses }: Guess): number {
  return distance === 0 ? -1000 : 4 * length - countBits(misses & 0xff);
}

function countBits(word: number): number {
  let count = 0;
  for (let left = word; left !== 0; left >>>= 1) count += left & 1;
  return count;
}
