/**
 * How far things without bytes in the file (.bss) moved, as references to them tell: what is not known of an address is
 * taken from the nearest known one below it. Bounded: a number for each 32 bytes, and the search goes 128 numbers down.
 */
import type { Section } from './image.ts';

export interface MemoryShifts {
  learn(address: number, shift: number): void;
  /** The shift learned nearest at or below; undefined when there is none near. */
  find(address: number): number | undefined;
}

const BLOCK_BYTES = 32;
const PAGE_BLOCKS = 128;
/** Blocks, and pages of blocks, that are looked through. */
const MAX_SEARCH = 128;
const MAX_BLOCKS = 1 << 17;

export function memoryShifts(section: Section): MemoryShifts {
  const count = Math.min(MAX_BLOCKS, Math.floor(section.size / BLOCK_BYTES) + 1);
  const blocks = new Float64Array(count).fill(Number.NaN);
  const pages = new Float64Array(Math.floor(count / PAGE_BLOCKS) + 1).fill(Number.NaN);
  const blockOf = (address: number) => Math.floor((address - section.address) / BLOCK_BYTES);
  const search = (shifts: Float64Array, from: number): number | undefined => {
    for (let i = from; i >= 0 && i > from - MAX_SEARCH; i--) if (!Number.isNaN(shifts[i]!)) return shifts[i]!;
    return undefined;
  };
  return {
    learn(address, shift) {
      const block = blockOf(address);
      if (block < 0 || block >= count) return;
      blocks[block] = shift;
      pages[Math.floor(block / PAGE_BLOCKS)] = shift;
    },
    find(address) {
      const block = blockOf(address);
      if (block < 0 || block >= count) return undefined;
      return search(blocks, block) ?? search(pages, Math.floor(block / PAGE_BLOCKS) - 1);
    },
  };
}
