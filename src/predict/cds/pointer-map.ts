/**
 * Predicts the maps of pointers. Which words of the core regions are pointers is known by then; the map of a piece of
 * the heap, which comes later, says of what moved what the old map says.
 */
import { type Context, type Piece, STEP_BYTES, type Stepper } from '../elf/piece.ts';
import type { HeapRegion } from './model.ts';
import { MAX_MAP_BYTES, mapBytesOf } from './model.ts';
import type { CdsNews } from './news.ts';

/** What follows on the map of pointers is the old bytes that follow on the old one, but for the heap's maps. */
export function cdsMapStepper(context: Context, piece: Piece, news: CdsNews): Stepper {
  const { old, image } = context;
  const cds = image.cds!;
  const map = news.map();
  const oldRest = piece.oldStart + mapBytesOf(cds.core) - map.length;
  const header = news.header();
  const room = header?.map === undefined ? 0 : header.map.end - header.map.start;
  const heapMaps = (room > Math.min(piece.length, MAX_MAP_BYTES) ? [] : (header?.heap ?? [])).flatMap(
    (region, i) =>
      region.mapPlace >= 0 && (cds.heap[i]?.mapPlace ?? -1) >= 0
        ? [{ start: region.mapPlace, bits: heapMap(context, region, piece.oldStart) }]
        : [],
  );
  let done = 0;
  return (into, correct) => {
    const count = Math.min(piece.length - done, STEP_BYTES);
    old.copy(oldRest + done, into.subarray(0, count));
    into.set(map.subarray(done, done + count));
    for (const { start, bits } of heapMaps) {
      const from = Math.max(done, start);
      const to = Math.min(done + count, start + bits.length);
      if (from < to) into.set(bits.subarray(from - start, to - start), from - done);
    }
    correct(0, count);
    done += count;
    return count;
  };
}

/** The map of a new piece of the heap: for each 4 bytes the bit of those old ones that a region makes them of. */
function heapMap(
  { old, image, map }: Context,
  { offset, sizeBytes }: HeapRegion,
  oldMap: number,
): Uint8Array {
  const bits = new Uint8Array(sizeBytes / 32);
  const olds = image.cds!.heap.filter((each) => each.mapPlace >= 0);
  const end = offset + 32 * bits.length;
  for (let at = offset; at < end; ) {
    const region = map.regionAfter(at);
    if (region === undefined) break;
    at = Math.max(at, region.newStart + ((offset - region.newStart) & 3));
    const stop = Math.min(end, region.newStart + region.length);
    for (; at < stop; at += 4) {
      const from = region.oldStart + at - region.newStart;
      const heap = olds.find((each) => from >= each.offset && from < each.offset + each.sizeBytes);
      if (heap === undefined) continue;
      const oldBit = Math.floor((from - heap.offset) / 4);
      const bit = (at - offset) / 4;
      if (((old.u8(oldMap + heap.mapPlace + (oldBit >> 3)) >> (oldBit & 7)) & 1) === 1)
        bits[bit >> 3]! |= 1 << (bit & 7);
    }
  }
  return bits;
}
