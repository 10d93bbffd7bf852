/**
 * The identity hashes of archived objects: 31 bits in the word that an object begins with, drawn at random in the order
 * of the objects (openjdk, ObjectSynchronizer's get_next_hash). Of the generator's four words only the first differs from
 * run to run, and counts for the first hash alone: all others follow from that.
 */

export interface IdentityHashes {
  /** What the next object should have; -1 before the first is known. */
  next(): number;
  /** The next object has that one. */
  see(hash: number): void;
}

const HASH_MASK = 0x7fffffff;
/** What the highest bit of the word before, which no hash tells, changes in the one after. */
const HIGHEST_BIT_THERE = 0x1000;

export function startIdentityHashes(): IdentityHashes {
  let words: Words | undefined;
  /** Whether the highest bit of the last word is known. */
  let isSure = false;
  return {
    next: () => (words === undefined ? -1 : draw(words) & HASH_MASK),
    see(hash) {
      if (words === undefined) {
        words = [842502087, 0x8767, 273326509, hash];
        return;
      }
      let drawn = draw(words);
      const wrong = (drawn ^ hash) & HASH_MASK;
      if (!isSure && wrong === HIGHEST_BIT_THERE) {
        words = [words[0], words[1], words[2], words[3] | ~HASH_MASK];
        drawn = draw(words);
      } else if (wrong !== 0) return;
      isSure = true;
      words = [words[1], words[2], words[3], drawn];
    },
  };
}

type Words = readonly [number, number, number, number];

/** Marsaglia's xorshift over 32 bits; as a signed number. */
function draw([x, , , w]: Words): number {
  const t = x ^ (x << 11);
  return w ^ (w >>> 19) ^ t ^ (t >>> 8);
}

/** The hash in an object's first word, given as its halves; 0 when it is no such word, or has none. */
export function identityHashOf(low: number, high: number): number {
  if ((low & 0xff) !== 1 || high >>> 0 >= 0x80) return 0;
  return (low >>> 8) | (high << 24);
}
