/**
 * Where old offsets went, as the regions of a file tell it, and the way back. Where regions claim the same old bytes
 * the longest has them (then the first); outside of all, the nearest is extended. Offsets are below 2^31.
 */
import type { Region } from '../../kernels/match.ts';

const COARSE_BITS = 12;

export interface RegionMap {
  /** The new offset of an old one. */
  toNew(oldOffset: number): number;
  /** The old offset of a new one; -1 where no region covers it. */
  toOld(newOffset: number): number;
  /** The first region that ends after a new offset. */
  regionAfter(newOffset: number): Region | undefined;
}

/** `regions` in order of newStart, none overlapping there. Memory: some 40 bytes per region and 1/1024 of the old size. */
export function buildRegionMap(regions: readonly Region[], oldSize: number): RegionMap {
  const { starts, ends, shifts, count } = settleClaims(regions);
  const coarse = indexPages(ends, count, oldSize);
  return {
    toNew(oldOffset) {
      if (count === 0) return oldOffset;
      const page = Math.min(coarse.length - 2, Math.max(0, oldOffset >> COARSE_BITS));
      let low = coarse[page]!;
      let high = coarse[page + 1]!;
      // The first stretch that ends after the offset.
      while (low < high) {
        const middle = (low + high) >> 1;
        if (ends[middle]! > oldOffset) high = middle;
        else low = middle + 1;
      }
      if (low === count) return oldOffset + shifts[count - 1]!;
      const start = starts[low]!;
      if (start <= oldOffset || low === 0) return oldOffset + shifts[low]!;
      return oldOffset + shifts[oldOffset - ends[low - 1]! < start - oldOffset ? low - 1 : low]!;
    },
    toOld(newOffset) {
      let low = 0;
      let high = regions.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (regions[middle]!.newStart <= newOffset) low = middle + 1;
        else high = middle;
      }
      const region = low > 0 ? regions[low - 1]! : undefined;
      if (region === undefined || newOffset >= region.newStart + region.length) return -1;
      return region.oldStart + (newOffset - region.newStart);
    },
    regionAfter(newOffset) {
      let low = 0;
      let high = regions.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (regions[middle]!.newStart + regions[middle]!.length <= newOffset) low = middle + 1;
        else high = middle;
      }
      return regions[low];
    },
  };
}

interface Stretches {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** New offset less old. */
  readonly shifts: Int32Array;
  readonly count: number;
}

/** Sweeps over the old offsets; of the regions that claim one, a heap has the longest on top. */
function settleClaims(regions: readonly Region[]): Stretches {
  const order = Int32Array.from(regions.keys()).sort(
    (a, b) => regions[a]!.oldStart - regions[b]!.oldStart || a - b,
  );
  const most = 2 * regions.length;
  const starts = new Int32Array(most);
  const ends = new Int32Array(most);
  const shifts = new Int32Array(most);
  let count = 0;
  const heap: number[] = [];
  const stronger = (a: number, b: number) => regions[a]!.length - regions[b]!.length || b - a;
  let at = 0;
  let next = 0;
  while (next < order.length || heap.length > 0) {
    if (heap.length === 0) at = regions[order[next]!]!.oldStart;
    while (next < order.length && regions[order[next]!]!.oldStart <= at) push(heap, order[next++]!, stronger);
    const top = regions[heap[0]!]!;
    const topEnd = top.oldStart + top.length;
    if (topEnd <= at) {
      pop(heap, stronger);
      continue;
    }
    const end = next < order.length ? Math.min(topEnd, regions[order[next]!]!.oldStart) : topEnd;
    const shift = top.newStart - top.oldStart;
    if (count > 0 && ends[count - 1] === at && shifts[count - 1] === shift) ends[count - 1] = end;
    else {
      starts[count] = at;
      ends[count] = end;
      shifts[count++] = shift;
    }
    at = end;
  }
  return { starts, ends, shifts, count };
}

function push(heap: number[], item: number, stronger: (a: number, b: number) => number): void {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (stronger(heap[parent]!, item) >= 0) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: number[], stronger: (a: number, b: number) => number): void {
  const item = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && stronger(heap[child + 1]!, heap[child]!) > 0) child++;
    if (stronger(item, heap[child]!) >= 0) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = item;
}

/** Page → the first stretch that ends after its beginning; one entry more than there are pages, so pairs bound a search. */
function indexPages(ends: Int32Array, count: number, oldSize: number): Int32Array {
  const pages = (oldSize >> COARSE_BITS) + 1;
  const coarse = new Int32Array(pages + 1);
  let stretch = 0;
  for (let page = 0; page < pages; page++) {
    while (stretch < count && ends[stretch]! <= page * 2 ** COARSE_BITS) stretch++;
    coarse[page] = stretch;
  }
  coarse[pages] = count;
  return coarse;
}
