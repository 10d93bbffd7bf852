/**
 * Predicts x86-64 code: the old instructions with their branch targets and operand addresses moved to where they went.
 */

import { getI32, setI32 } from './bytes.ts';
import { TYPE_EXECUTABLE } from './image.ts';
import { type Context, type Piece, STEP_BYTES, type Stepper } from './piece.ts';
import { decodeInstruction, MAX_INSTRUCTION_BYTES, newInstruction } from './x86-length.ts';

/** Decoding starts this much before a piece: by its first byte it has fallen in step with the instructions. */
const RUN_UP_BYTES = 64;

export function x86Stepper(context: Context, piece: Piece, areaStart: number): Stepper {
  const { old, addresses, image, taken } = context;
  const instruction = newInstruction();
  const absolute = image.type === TYPE_EXECUTABLE;
  let done = 0;
  /** Offset of the next instruction in the old file. */
  let next = Math.max(areaStart, piece.oldStart - RUN_UP_BYTES);
  const code = context.scratch;
  return (into, correct) => {
    const first = piece.oldStart + done;
    const from = Math.min(next, first);
    const wanted = Math.min(piece.length - done, STEP_BYTES);
    old.copy(from, code.subarray(0, first - from + wanted + MAX_INSTRUCTION_BYTES));
    into.set(code.subarray(first - from, first - from + wanted));
    const last = done + wanted === piece.length;
    const oldBase = addresses.oldAddress(first);
    const newBase = addresses.newAddress(piece.newStart + done);
    const shift = newBase - oldBase;
    let corrected = 0;
    let count = wanted;
    let at = next - from;
    const stop = first - from + wanted;
    const lead = first - from;

    /** Predicts a 4-byte field whose value is the target less `origin`, and learns from the true one. */
    const predict = (field: number, origin: number, newOrigin: number) => {
      const start = field - lead;
      if (start < 0 || start + 4 > wanted) return;
      const target = origin + getI32(code, field);
      if (!addresses.isOld(target)) return;
      const predicted = (addresses.toNew(target) - newOrigin) | 0;
      setI32(into, start, predicted);
      correct(corrected, start + 4);
      corrected = start + 4;
      const actual = getI32(into, start);
      if (actual !== predicted) addresses.learn(target, newOrigin + actual);
    };

    while (at < stop) {
      decodeInstruction(code, at, instruction);
      const end = at + instruction.length;
      if (end > stop && !last && at > lead) {
        count = at - lead;
        break;
      }
      const oldEnd = oldBase + (end - lead);
      const newEnd = oldEnd + shift;
      if (instruction.branchField >= 0) {
        if (instruction.branchBytes === 4) predict(at + instruction.branchField, oldEnd, newEnd);
        else moveShort(context, code, at + instruction.branchField, lead, into, oldEnd, newEnd);
      } else {
        if (instruction.ripField >= 0) {
          const field = at + instruction.ripField;
          if (instruction.isLea && field >= lead)
            taken.take(addresses.oldOffset(oldEnd + getI32(code, field)));
          predict(field, oldEnd, newEnd);
        }
        if (absolute) {
          if (instruction.absoluteField >= 0) predict(at + instruction.absoluteField, 0, 0);
          if (instruction.immediateField >= 0) predict(at + instruction.immediateField, 0, 0);
        }
      }
      at = end;
    }
    next = from + at;
    correct(corrected, count);
    done += count;
    return count;
  };
}

/** Predicts a one-byte branch; left alone where the target would be out of its reach. */
function moveShort(
  context: Context,
  code: Uint8Array,
  field: number,
  lead: number,
  into: Uint8Array,
  oldEnd: number,
  newEnd: number,
): void {
  const start = field - lead;
  if (start < 0) return;
  const distance = (code[field]! << 24) >> 24;
  const moved = context.addresses.toNewByMap(oldEnd + distance) - newEnd;
  if (moved >= -128 && moved <= 127) into[start] = moved;
}
