/** Follows a recipe and compares every byte that comes out with the blob's, as far as they agree. */
import { setImmediate } from 'node:timers/promises';
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { DidiffError } from '../errors.ts';
import type { Recipe } from './recipe.ts';
import { startRecreation } from './recreate.ts';

export interface ProofOptions {
  readonly signal?: AbortSignal | undefined;
  /** Plain bytes replayed so far, of all; starts again from 0 with the next engine. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** Plain bytes are given to an engine in steps of this size. */
export const STEP_BYTES = 1 << 16;
/** After so many bytes of work other tasks get their turn. */
const TURN_BYTES = 1 << 21;

export interface Proof {
  /** Goes on to plain byte `until`; false as soon as the blob differs from what comes out. */
  run(until: number): Promise<boolean>;
  /** How many plain bytes it was given. */
  plainBytes(): number;
  /** Ends the replay; whether the blob is exactly what came out. */
  finish(): boolean;
}

export function startProof(
  blob: RandomAccess,
  tar: RandomAccess,
  recipe: Recipe,
  options: ProofOptions,
): Proof {
  let compared = 0;
  let agrees = true;
  const expected = Buffer.alloc(STEP_BYTES);
  const recreation = startRecreation(recipe, (piece) => {
    for (let at = 0; at < piece.length && agrees; ) {
      const part = expected.subarray(0, Math.min(piece.length - at, expected.length));
      blob.readAt(compared, part);
      agrees = part.compare(piece, at, at + part.length) === 0;
      at += part.length;
      compared += part.length;
    }
  });
  const pieces = readPieces(tar, new Uint8Array(STEP_BYTES));
  let done = 0;
  let turn = 0;
  return {
    async run(until) {
      while (done < until && agrees) {
        options.signal?.throwIfAborted();
        const next = pieces.next();
        if (next.done === true) break;
        if (!attempt(() => recreation.write(next.value))) agrees = false;
        done += next.value.length;
        turn += next.value.length;
        if (turn < TURN_BYTES) continue;
        turn = 0;
        options.onProgress?.(done, tar.sizeBytes);
        await setImmediate();
      }
      return agrees;
    },
    plainBytes: () => done,
    finish: () => agrees && attempt(() => recreation.finish()) && agrees && compared === blob.sizeBytes,
  };
}

/** Whether it went through without the replay growing past, or staying short of, the blob's size. */
function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return false;
    throw error;
  }
}
