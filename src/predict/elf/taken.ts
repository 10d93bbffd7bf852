/** Which addresses of read-only data the old code takes: where its jump tables begin. Bounded: a bit for 4 bytes. */
import type { ElfImage } from './image.ts';

/** Old file offsets whose address is taken by an instruction; one bit for each 4 bytes of read-only data. */
export interface TakenOffsets {
  take(offset: number): void;
  isTaken(offset: number): boolean;
}

/** Read-only data beyond that is not looked at for tables. */
const MAX_SPAN_BYTES = 1 << 28;
export function takenOffsets(image: ElfImage): TakenOffsets {
  const areas = image.areas.filter((each) => each.kind === 'readonly');
  const start = areas[0]?.start ?? 0;
  const end = Math.min(areas.at(-1)?.end ?? 0, start + MAX_SPAN_BYTES);
  const bits = new Uint8Array(Math.max(0, (end - start + 31) >> 5));
  return {
    take(offset) {
      if (offset < start || offset >= end || (offset & 3) !== 0) return;
      const bit = (offset - start) >> 2;
      bits[bit >> 3]! |= 1 << (bit & 7);
    },
    isTaken(offset) {
      if (offset < start || offset >= end) return false;
      const bit = (offset - start) >> 2;
      return ((bits[bit >> 3]! >> (bit & 7)) & 1) !== 0;
    },
  };
}
