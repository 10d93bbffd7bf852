/** Predicts the small tables that follow from others: symbol versions, the dynamic section, the section headers. */

import { getU64, setU64 } from './bytes.ts';
import { entryStepper } from './entries.ts';
import { type Area, TYPE_RELOCATABLE } from './image.ts';
import type { Context, Piece, Stepper } from './piece.ts';

/** A version (2 bytes) per dynamic symbol: that of the old symbol it is paired with. */
export function versionStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, tables } = context;
  const whole = piece.oldStart === area.start;
  return entryStepper(context, piece, area, 2, (draft, at, index, newOffset) => {
    const symbol = whole ? tables.oldSymbols.get((newOffset - piece.newStart) / 2) : 0;
    const version = old.u16(area.start + 2 * (symbol > 0 ? symbol : index));
    draft.bytes[at] = version;
    draft.bytes[at + 1] = version >> 8;
  });
}

/** Tags of the dynamic section whose values are addresses (System V ABI, "Dynamic Section", and GNU's). */
const ADDRESS_TAGS: ReadonlySet<number> = new Set([
  3, 4, 5, 6, 7, 12, 13, 17, 23, 25, 26, 32, 36, 0x6ffffef5, 0x6ffffff0, 0x6ffffffc, 0x6ffffffe,
]);

export function dynamicStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses } = context;
  return entryStepper(context, piece, area, 16, (draft, at, index) => {
    const from = area.start + index * 16;
    old.copy(from, draft.bytes.subarray(at, at + 16));
    const value = old.u64(from + 8);
    if (ADDRESS_TAGS.has(old.u64(from)) && addresses.isOld(value))
      setU64(draft.bytes, at + 8, addresses.toNewByMap(value));
  });
}

/** Section headers: addresses and offsets are where the section's first byte went. */
export function sectionHeaderStepper(context: Context, piece: Piece, area: Area): Stepper {
  const { old, addresses, map } = context;
  /**
   * Where the section before ends in the new file, and where it did in the old one; in objects, relocations stand
   * apart.
   */
  const ends = { relocations: { old: 0, now: 0 }, others: { old: 0, now: 0 } };
  const linked = context.image.type !== TYPE_RELOCATABLE;
  return entryStepper(context, piece, area, 64, (draft, at, index) => {
    const from = area.start + index * 64;
    old.copy(from, draft.bytes.subarray(at, at + 64));
    const section = context.image.sections[index];
    if (section === undefined || section.type === 0) return;
    const { address, offset, size } = section;
    if (!Number.isSafeInteger(address + offset + size)) return;
    const chain = !linked && section.type === 4 ? 'relocations' : 'others';
    const before = ends[chain];
    if (linked && section.alloc && addresses.isOld(address))
      setU64(draft.bytes, at + 16, addresses.toNewByMap(address));
    draft.fixTo(at + 24);
    const gap = offset - before.old;
    // Where sections have no addresses, each begins at the next place that is aligned as it wants.
    const step = linked ? 1 : Math.max(1, Math.min(section.align, 4096));
    const mapped = map.toNew(offset);
    const expected =
      linked && section.alloc && section.stored
        ? addresses.newOffset(getU64(draft.bytes, at + 16))
        : gap >= 0 && gap < Math.max(16, step)
          ? linked
            ? before.now + gap
            : Math.ceil(before.now / step) * step
          : mapped;
    setU64(draft.bytes, at + 24, expected >= 0 ? expected : mapped);
    draft.fixTo(at + 32);
    const now = getU64(draft.bytes, at + 24);
    if (section.stored) {
      const end = map.toNew(offset + size - 1) + 1;
      if (end > now) setU64(draft.bytes, at + 32, end - now);
      draft.fixTo(at + 40);
      ends[chain] = { old: offset + size, now: now + getU64(draft.bytes, at + 32) };
    }
  });
}
