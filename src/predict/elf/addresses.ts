/**
 * Where old addresses went: through the old sections to offsets, through the regions to new offsets, through the new
 * file's program headers to new addresses; corrected by what was learned. Addresses are safe integers; no answer
 * depends on the order of a hash map or on anything but what both sides have.
 */
import { releaseMemory } from '../../bytes/release.ts';
import type { ElfImage, Section, Segment } from './image.ts';
import { memoryShifts } from './memory-shifts.ts';
import type { RegionMap } from './region-map.ts';

export interface Addresses {
  /** True when the old address lies inside of an allocated section. */
  isOld(address: number): boolean;
  /** The section an old address lies in. */
  oldSection(address: number): Section | undefined;
  /** The old file offset of an old address; -1 when it has none. */
  oldOffset(address: number): number;
  /** The old address of an old file offset in an allocated section; -1 when it has none. */
  oldAddress(offset: number): number;
  /** Where an old address (inside of an allocated section) is expected in the new file. */
  toNew(address: number): number;
  /** The same without what was learned. */
  toNewByMap(address: number): number;
  /** The new address of a new file offset. */
  newAddress(offset: number): number;
  /** The new file offset of a new address; -1 when it has none. */
  newOffset(address: number): number;
  /** The old address that stands where a new one does now; -1 when no region covers it. */
  toOld(newAddress: number): number;
  /** `oldAddress` is known to have become `newAddress`. */
  learn(oldAddress: number, newAddress: number): void;
  /** To be called once, when the new program headers are known. */
  setNewLoads(loads: readonly Segment[]): void;
  /** Gives its memory back; it can't be used any more. */
  close(): void;
}

/** More loaded segments than that are no linker's. */
const MAX_LOADS = 16;
/** Sections without bytes for which learned shifts are kept; there is one as a rule, 1 MiB each at most. */
const MAX_IN_MEMORY = 4;
/** 16 bytes each. */
const MAX_LEARNED = 1 << 18;
const HASH_MULTIPLIER = 0x2c1b3c6d;

export function openAddresses(image: ElfImage, map: RegionMap, oldSize: number): Addresses {
  const sections = allocated(image);
  const starts = Float64Array.from(sections, (each) => each.address);
  const ends = Float64Array.from(sections, (each) => each.address + each.size);
  const stored = sections
    .filter((each) => each.stored)
    .sort((a, b) => a.offset - b.offset || a.index - b.index);
  let newLoads: readonly Segment[] = image.loads;
  const movedMemory = new Map<number, number>();
  const withoutBytes = sections.filter((each) => !each.stored).slice(0, MAX_IN_MEMORY);
  const inMemory = sections.map((each) => (withoutBytes.includes(each) ? memoryShifts(each) : undefined));
  const slots = Math.min(MAX_LEARNED, 1 << (32 - Math.clz32(Math.max(256, oldSize >> 5))));
  const shift = Math.clz32(slots) + 1;
  const learnedOld = new Float64Array(slots).fill(-1);
  const learnedNew = new Float64Array(slots);
  const slotOf = (address: number) => Math.imul(address | 0, HASH_MULTIPLIER) >>> shift;
  let last = 0;

  const find = (address: number): number => {
    if (address >= starts[last]! && address < ends[last]!) return last;
    let low = 0;
    let high = sections.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || address > ends[low - 1]!) return -1;
    last = low - 1;
    return last;
  };
  const newAddress = (offset: number): number => {
    for (let i = newLoads.length - 1; i >= 0; i--) {
      const load = newLoads[i]!;
      if (offset >= load.offset && (offset <= load.offset + load.fileBytes || i === 0))
        return offset - load.offset + load.address;
    }
    return offset;
  };
  const oldAddress = (offset: number): number => {
    let low = 0;
    let high = stored.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (stored[middle]!.offset <= offset) low = middle + 1;
      else high = middle;
    }
    const section = stored[low - 1];
    if (section === undefined || offset >= section.offset + section.size) return -1;
    return offset - section.offset + section.address;
  };
  const toNewByMap = (address: number): number => {
    const index = find(address);
    if (index < 0) return address;
    const section = sections[index]!;
    if (section.stored) return newAddress(map.toNew(address - section.address + section.offset));
    return address + (inMemory[index]?.find(address) ?? movedMemory.get(section.index) ?? 0);
  };

  return {
    isOld: (address) => find(address) >= 0,
    oldSection(address) {
      const index = find(address);
      return index < 0 ? undefined : sections[index];
    },
    oldOffset(address) {
      const index = find(address);
      const section = index < 0 ? undefined : sections[index];
      return section?.stored ? address - section.address + section.offset : -1;
    },
    oldAddress(offset) {
      return oldAddress(offset);
    },
    toNew(address) {
      const slot = slotOf(address);
      return learnedOld[slot] === address ? learnedNew[slot]! : toNewByMap(address);
    },
    toNewByMap,
    newAddress,
    newOffset(address) {
      for (const load of newLoads)
        if (address >= load.address && address < load.address + load.fileBytes)
          return address - load.address + load.offset;
      return -1;
    },
    toOld(address) {
      // A file without them, as one still to be linked, is taken to stand at the address 0.
      if (newLoads.length === 0) {
        const offset = map.toOld(address);
        return offset < 0 ? -1 : oldAddress(offset);
      }
      for (const load of newLoads) {
        if (address < load.address || address >= load.address + load.fileBytes) continue;
        const offset = map.toOld(address - load.address + load.offset);
        if (offset >= 0) return oldAddress(offset);
      }
      return -1;
    },
    learn(oldAddress, address) {
      const slot = slotOf(oldAddress);
      learnedOld[slot] = oldAddress;
      learnedNew[slot] = address;
      const index = find(oldAddress);
      if (index >= 0) inMemory[index]?.learn(oldAddress, address - oldAddress);
    },
    setNewLoads(loads) {
      if (loads.length === 0) return;
      newLoads = loads.slice(0, MAX_LOADS);
      for (const [index, change] of findMemoryShifts(image, loads)) movedMemory.set(index, change);
    },
    close: () => releaseMemory([learnedOld, learnedNew]),
  };
}

/** Sections with addresses, in their order, none overlapping the next: a later start cuts an earlier end. */
function allocated(image: ElfImage): Section[] {
  const sorted = image.sections
    .filter((each) => each.alloc && each.size > 0 && (each.stored || (each.type === 8 && !each.threadLocal)))
    .filter((each) => Number.isSafeInteger(each.address + each.size))
    .sort((a, b) => a.address - b.address || a.index - b.index);
  const kept: Section[] = [];
  for (const section of sorted) {
    const before = kept.at(-1);
    if (before === undefined || section.address >= before.address + before.size) kept.push(section);
  }
  return kept;
}

/** How far the sections without bytes (.bss) moved: the first stands at the end of its segment's bytes. */
function findMemoryShifts(image: ElfImage, loads: readonly Segment[]): Map<number, number> {
  const shifts = new Map<number, number>();
  for (const [index, load] of image.loads.entries()) {
    const now = loads[loads.length - image.loads.length + index];
    if (now === undefined) continue;
    let change: number | undefined;
    for (const section of image.sections) {
      const end = section.address + section.size;
      if (section.type !== 8 || !section.alloc || section.threadLocal) continue;
      if (section.address < load.address || end > load.address + load.memoryBytes) continue;
      const align = Math.max(1, section.align);
      change ??= Math.ceil((now.address + now.fileBytes) / align) * align - section.address;
      shifts.set(section.index, change);
    }
  }
  return shifts;
}

/** The size of what stands at an old address, grown or shrunk as its bytes are by the map. */
export function movedSize(addresses: Addresses, address: number, size: number): number {
  if (size === 0 || size > MAX_MOVED_BYTES) return size;
  const now = addresses.toNewByMap(address + size - 1) + 1 - addresses.toNewByMap(address);
  return now > size / 2 && now < 2 * size + 64 ? now : size;
}

/** Larger things are no functions. */
const MAX_MOVED_BYTES = 1 << 26;
