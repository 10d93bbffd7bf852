/**
 * Predicts the maps of pointers. Which words of the core regions are pointers is known by then; the map of a piece of
 * the heap, which comes later, says of what moved what the old map says.
 */
import { type Context, type Piece, STEP_BYTES, type Stepper } from '../elf/piece.ts';
import { bitOf } from './maps.ts';
import type { PointerMap } from './model.ts';
import type { CdsNews, MadeMap } from './news.ts';

/** What is in none of the maps is the old bytes. */
export function cdsMapStepper(context: Context, piece: Piece, news: CdsNews): Stepper {
  const { core, heap } = { core: news.maps(), heap: heapMaps(context, piece, news) };
  let done = 0;
  return (into, correct) => {
    const count = Math.min(piece.length - done, STEP_BYTES);
    context.old.copy(piece.oldStart + done, into.subarray(0, count));
    for (const { map, bytes } of [...core, ...heap]) {
      const from = Math.max(done, map.start);
      const to = Math.min(done + count, map.start + bytes.length);
      if (from < to) into.set(bytes.subarray(from - map.start, to - map.start), from - done);
    }
    correct(0, count);
    done += count;
    return count;
  };
}

/**
 * Those of new pieces of the heap whose old ones, of the same number, have maps; none if the new maps are more than
 * the piece.
 */
function heapMaps(context: Context, piece: Piece, news: CdsNews): readonly MadeMap[] {
  const header = news.header();
  if (header?.map === undefined || header.map.end - header.map.start > piece.length) return [];
  return header.heap.flatMap((region, i) => {
    const map = header.heapMaps[i];
    if (map === undefined || context.image.cds!.heapMaps[i] === undefined) return [];
    const offset = region.offset + map.address - region.address;
    return [{ map, bytes: heapMap(context, map, offset, piece.oldStart) }];
  });
}

/** For each 4 bytes of the new file from `offset` on the bit of those old ones that a region makes them of. */
function heapMap(context: Context, { bits }: PointerMap, offset: number, oldMaps: number): Uint8Array {
  const made = new Uint8Array(Math.ceil(bits / 8));
  const end = offset + 4 * bits;
  for (let at = offset; at < end; ) {
    const region = context.map.regionAfter(at);
    if (region === undefined) break;
    at = Math.max(at, region.newStart + ((offset - region.newStart) & 3));
    const stop = Math.min(end, region.newStart + region.length);
    for (; at < stop; at += 4) {
      if (!isOldReference(context, region.oldStart + at - region.newStart, oldMaps)) continue;
      const bit = (at - offset) / 4;
      made[bit >> 3]! |= 1 << (bit & 7);
    }
  }
  return made;
}

/** Whether the old maps, which begin at `oldMaps`, say that a reference stands at the old offset. */
function isOldReference({ old, image }: Context, offset: number, oldMaps: number): boolean {
  const { heap, heapMaps } = image.cds!;
  const number = heap.findIndex((each) => offset >= each.offset && offset < each.offset + each.sizeBytes);
  const map = heapMaps[number];
  if (map === undefined) return false;
  const bit = Math.floor((heap[number]!.address + offset - heap[number]!.offset - map.address) / 4);
  return bit >= 0 && bit < map.bits && bitOf(old, oldMaps + map.start, bit);
}
