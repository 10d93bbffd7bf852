/**
 * How far two buffers go on alike around a match, mismatches included, and where one alignment should give way to the
 * next. The plain implementation and the oracle for kernels/match/extend.ts.
 */

/** The length from both starts on, up to `end` of next, that gains most: twice the equal bytes less the length. */
export function extendForward(
  old: Uint8Array,
  next: Uint8Array,
  oldAt: number,
  nextAt: number,
  end: number,
): number {
  const limit = Math.min(end - nextAt, old.length - oldAt);
  let equal = 0;
  let best = 0;
  let bestScore = 0;
  for (let length = 0; length < limit; ) {
    if (old[oldAt + length] === next[nextAt + length]) equal++;
    length++;
    const score = 2 * equal - length;
    if (score > bestScore) {
      bestScore = score;
      best = length;
    }
  }
  return best;
}

/** The same, backwards from both positions, for `limit` bytes at most. */
export function extendBackward(
  old: Uint8Array,
  next: Uint8Array,
  oldAt: number,
  nextAt: number,
  limit: number,
): number {
  let equal = 0;
  let best = 0;
  let bestScore = 0;
  for (let length = 1; length <= limit; length++) {
    if (old[oldAt - length] === next[nextAt - length]) equal++;
    const score = 2 * equal - length;
    if (score > bestScore) {
      bestScore = score;
      best = length;
    }
  }
  return best;
}

/**
 * Two extensions claim the `overlap` bytes of next from `nextAt` on, the one from `firstOld`, the other from `secondOld`.
 * Answers how many of them the first should keep so that the two together match most.
 */
export function bestSplit(
  old: Uint8Array,
  next: Uint8Array,
  firstOld: number,
  nextAt: number,
  secondOld: number,
  overlap: number,
): number {
  let gain = 0;
  let bestGain = 0;
  let best = 0;
  for (let kept = 0; kept < overlap; kept++) {
    const byte = next[nextAt + kept];
    if (byte === old[firstOld + kept]) gain++;
    if (byte === old[secondOld + kept]) gain--;
    if (gain > bestGain) {
      bestGain = gain;
      best = kept + 1;
    }
  }
  return best;
}
