/**
 * Predicts procedure linkage tables (.plt, .plt.sec; System V ABI processor supplements): each new stub from the stub of
 * the same symbol, which the jump-slot relocations tell, standing in the same order.
 */

import { setI32 } from './bytes.ts';
import { arm64Stepper } from './code-arm64.ts';
import { x86Stepper } from './code-x86.ts';
import type { Area } from './image.ts';
import { MACHINE_AARCH64 } from './image.ts';
import { type Context, type Piece, STEP_BYTES, type Stepper } from './piece.ts';

export const STUB_BYTES = 16;

export function linkageStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses, tables } = context;
  const arm = context.image.machine === MACHINE_AARCH64;
  const stepperFor = arm ? arm64Stepper : x86Stepper;
  // The first stub pushes an address (x86-64) or takes two places (AArch64); .plt.sec has none.
  const lead = arm ? 2 : old.u16(area.start) === PUSH_ADDRESS ? 1 : 0;
  const stubs = Math.floor((area.end - area.start) / STUB_BYTES);
  const phase = (piece.oldStart - area.start) % STUB_BYTES;
  if (piece.oldStart !== area.start && phase !== 0) return stepperFor(context, piece, area.start);
  let done = 0;
  return (into, correct) => {
    const size = Math.min(piece.length - done, STEP_BYTES);
    for (let at = 0; at < size; at += STUB_BYTES) {
      const length = Math.min(STUB_BYTES, size - at);
      const newStub = (done + at) / STUB_BYTES;
      const aligned = (piece.oldStart - area.start + done + at) / STUB_BYTES;
      const slot = newStub - lead;
      const pair = piece.oldStart === area.start && slot >= 0 ? tables.oldSlots.get(slot) : 0;
      const oldStub = pair > 0 && pair - 1 + lead < stubs ? pair - 1 + lead : aligned;
      const oldStart = area.start + oldStub * STUB_BYTES;
      const stub: Piece = { oldStart, newStart: piece.newStart + done + at, length };
      const pushAt =
        arm || pair === 0 || length < STUB_BYTES ? -1 : findPush(old.u32(oldStart), old.u8(oldStart + 6));
      stepperFor(
        context,
        stub,
        oldStart,
      )(into.subarray(at), (from, to) => {
        if (pushAt >= from && pushAt + 4 <= to) setI32(into, at + pushAt, slot);
        correct(at + from, at + to);
      });
      const before = addresses.oldAddress(oldStart);
      const now = addresses.newAddress(piece.newStart + done + at);
      if (pair > 0 && addresses.toNew(before) !== now) addresses.learn(before, now);
    }
    done += size;
    return size;
  };
}

const PUSH_ADDRESS = 0x35ff;
const END_BRANCH = 0xfa1e0ff3;

/** Where a stub pushes the number of its slot: after the jump, or after `endbr64`; -1 when it does not. */
function findPush(first: number, sixth: number): number {
  if (first === END_BRANCH) return 5;
  return (first & 0xffff) === 0x25ff && sixth === 0x68 ? 7 : -1;
}
