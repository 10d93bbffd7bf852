/** Plain bytes that look like what layers hold: text, records, executables' tables, noise; from a seed. */

/** A small generator of 32-bit numbers (xorshift). */
export function randomNumbers(seed: number): () => number {
  let state = seed * 2654435761 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** `size` bytes: runs of words, of copies from before with changes, of zeros and of noise. */
export function layerLikeBytes(size: number, seed: number): Uint8Array {
  const next = randomNumbers(seed);
  const bytes = new Uint8Array(size);
  const words = Array.from({ length: 200 }, () => {
    const length = 2 + (next() % 9);
    return Uint8Array.from({ length }, () => 97 + (next() % 26));
  });
  for (let at = 0; at < size; ) {
    const kind = next() % 8;
    const length = Math.min(size - at, 1 + (next() % 3000));
    if (kind < 3) fillWords(bytes, at, length, words, next);
    else if (kind < 6 && at > 0) fillCopy(bytes, at, length, next);
    else if (kind === 6) for (let i = 0; i < length; i++) bytes[at + i] = next() >>> 13;
    at += length;
  }
  return bytes;
}

function fillWords(
  into: Uint8Array,
  start: number,
  length: number,
  words: readonly Uint8Array[],
  next: () => number,
): void {
  for (let at = start; at < start + length; ) {
    const word = words[(next() % words.length) & (next() % words.length)]!;
    const part = word.subarray(0, start + length - at);
    into.set(part, at);
    at += part.length + 1;
    if (at - 1 < start + length) into[at - 1] = 32;
  }
}

function fillCopy(into: Uint8Array, start: number, length: number, next: () => number): void {
  const distance = 1 + (next() % Math.min(start, next() % 4 === 0 ? 200_000 : 3000));
  for (let at = start; at < start + length; at++) {
    into[at] = next() % 40 === 0 ? next() >>> 7 : into[at - distance]!;
  }
}
