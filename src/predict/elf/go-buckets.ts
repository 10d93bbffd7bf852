/**
 * Predicts Go's table that leads from a place in the code to the function there (runtime/symtab.go, "findfuncbucket"):
 * for each 4096 bytes of code the number of the first function in them, then for each 256 bytes by how much theirs is
 * higher. It follows from where the old functions went; new functions show in the numbers that follow them.
 */

import { getI32, setI32 } from './bytes.ts';
import { entryStepper } from './entries.ts';
import { BUCKET_BYTES, BUCKET_CODE_BYTES } from './go-layout.ts';
import type { GoLayout } from './go-model.ts';
import type { Area } from './image.ts';
import type { Context, Piece, Stepper } from './piece.ts';

const PARTS = 16;
const PART_CODE_BYTES = BUCKET_CODE_BYTES / PARTS;
/** Of more functions, the first are taken; 4 bytes each. */
const MAX_FUNCTIONS = 1 << 20;

export function goBucketStepper(context: Context, piece: Piece, area: Area, go: GoLayout): Stepper {
  const starts = movedFunctions(context, go);
  const last = starts.length - 1;
  /** The first function that ends behind the last place asked for; places only grow. */
  let current = 0;
  const functionAt = (place: number): number => {
    while (current < last - 1 && starts[current + 1]! <= place) current++;
    return current;
  };
  let drift = 0;
  return entryStepper(context, piece, area, BUCKET_BYTES, ({ bytes, fixTo }, at, _, newOffset) => {
    const code = ((newOffset - piece.newStart) / BUCKET_BYTES) * BUCKET_CODE_BYTES;
    const first = functionAt(code);
    setI32(bytes, at, first + drift);
    for (let part = 0; part < PARTS; part++) {
      const place = code + part * PART_CODE_BYTES;
      bytes[at + 4 + part] = place < starts[last]! ? functionAt(place) - first : 0;
    }
    fixTo(at + 4);
    drift = (getI32(bytes, at) - first) | 0;
  });
}

/** Where the old functions begin in the new code, and where the last ends, counted from the first; never falling. */
function movedFunctions({ old, addresses }: Context, { functions }: GoLayout): Int32Array {
  const count = Math.min(functions.count, MAX_FUNCTIONS);
  const moved = (index: number) =>
    addresses.toNewByMap(functions.textStart + old.u32(functions.functions + 8 * index));
  const first = moved(0);
  const starts = new Int32Array(count + 1);
  for (let i = 1; i <= count; i++)
    starts[i] = Math.max(starts[i - 1]!, Math.min(moved(i) - first, MAX_CODE_BYTES));
  return starts;
}

const MAX_CODE_BYTES = 2 ** 31 - 1;
