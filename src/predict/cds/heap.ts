/** Predicts pieces of the Java heap: references in 4 bytes, each object's class, and its identity hash. */
import { getI32, getU64, setI32, setU64 } from '../elf/bytes.ts';
import { type Context, type Piece, STEP_BYTES, type Stepper } from '../elf/piece.ts';
import { identityHashOf } from './identity.ts';
import type { CdsNews } from './news.ts';

export function cdsHeapStepper(context: Context, piece: Piece, news: CdsNews): Stepper {
  const { old, addresses } = context;
  const oldBase = context.image.cds!.base;
  let done = 0;
  return (into, correct) => {
    const count = Math.min(piece.length - done, STEP_BYTES);
    const oldStart = piece.oldStart + done;
    const newStart = piece.newStart + done;
    const newBase = news.header()?.base ?? oldBase;
    old.copy(oldStart, into.subarray(0, count));
    let corrected = 0;
    const correctTo = (end: number) => {
      correct(corrected, end);
      corrected = end;
    };
    let isClass =
      identityHashOf(old.i32(oldStart + (-oldStart & 7) - 8), old.i32(oldStart + (-oldStart & 7) - 4)) !== 0;
    const moveWord = (at: number, base: number, movedBase: number) => {
      const target = base + (getI32(into, at) >>> 0);
      if (target === base || !addresses.isOld(target)) return;
      const predicted = addresses.toNew(target) - movedBase;
      setI32(into, at, predicted | 0);
      correctTo(at + 4);
      const actual = getI32(into, at) >>> 0;
      if (actual !== predicted && actual !== 0) addresses.learn(target, movedBase + actual);
    };
    for (let at = -oldStart & 7; at + 8 <= count; at += 8) {
      if (identityHashOf(getI32(into, at), getI32(into, at + 4)) !== 0) {
        // All that comes before it counts for what is drawn.
        correctTo(at);
        news.take(newStart, into.subarray(0, at));
        const hash = news.hashes.next();
        if (hash > 0) {
          setI32(into, at, (hash << 8) | 1);
          setI32(into, at + 4, hash >>> 24);
        }
        correctTo(at + 8);
        isClass = true;
        continue;
      }
      const pointer = getU64(into, at);
      if (pointer >= 2 ** 32 && addresses.isOld(pointer)) {
        const predicted = addresses.toNew(pointer);
        setU64(into, at, predicted);
        correctTo(at + 8);
        const actual = getU64(into, at);
        if (actual !== predicted) addresses.learn(pointer, actual);
        isClass = false;
        continue;
      }
      if (isClass) moveWord(at, oldBase, newBase);
      else moveWord(at, 0, 0);
      moveWord(at + 4, 0, 0);
      isClass = false;
    }
    correctTo(count);
    done += count;
    return count;
  };
}
