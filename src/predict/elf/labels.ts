/**
 * For the side that makes a patch: writes files so that references which prediction will get right look equal. Every
 * address in code and pointers is replaced by the old address of its target, in both files; matched like that, regions
 * follow the code rather than the distances in it.
 */
import type { RandomAccess } from '../../bytes/access.ts';
import type { Region } from '../../kernels/match.ts';
import { openAddresses } from './addresses.ts';
import { type ElfImage, MACHINE_X86_64, parseElfImage, TYPE_EXECUTABLE } from './image.ts';
import { type OldBytes, openOldBytes } from './old-bytes.ts';
import { getI32, getU64, setI32, setU64 } from './piece.ts';
import { buildRegionMap } from './region-map.ts';
import { decodeInstruction, MAX_INSTRUCTION_BYTES, newInstruction } from './x86-length.ts';

export interface ElfLabeller {
  /** Labels `bytes`, which stand at `start` of the old file, in place. */
  labelOld(start: number, bytes: Uint8Array): void;
  labelNew(start: number, bytes: Uint8Array): void;
}

/** `regions` are a first match of the two; undefined when they are not ELF files of one kind known here. */
export function openElfLabeller(
  old: RandomAccess,
  next: RandomAccess,
  regions: readonly Region[],
): ElfLabeller | undefined {
  const oldBytes = openOldBytes(old);
  const newBytes = openOldBytes(next);
  const before = parseElfImage(oldBytes);
  const after = parseElfImage(newBytes);
  if (before === undefined || after === undefined || before.machine !== after.machine) return undefined;
  const addresses = openAddresses(before, buildRegionMap(regions, old.sizeBytes), old.sizeBytes);
  addresses.setNewLoads(after.loads);
  const isNew = openAddresses(after, buildRegionMap([], 0), 0).isOld;
  const oldLabel = (address: number) => (addresses.isOld(address) ? address : -1);
  const newLabel = (address: number) => {
    if (!isNew(address)) return -1;
    const label = addresses.toOld(address);
    return label >= 0 ? label : address + UNKNOWN;
  };
  return {
    labelOld: (start, bytes) => label(oldBytes, before, start, bytes, oldLabel),
    labelNew: (start, bytes) => label(newBytes, after, start, bytes, newLabel),
  };
}

/** Set in labels of targets that have no old address. */
const UNKNOWN = 0x40000000;
const RUN_UP_BYTES = 64;

type LabelOf = (address: number) => number;

function label(file: OldBytes, image: ElfImage, start: number, bytes: Uint8Array, labelOf: LabelOf): void {
  for (const area of image.areas) {
    const from = Math.max(area.start, start);
    const to = Math.min(area.end, start + bytes.length);
    if (from >= to || area.section === undefined) continue;
    const part = bytes.subarray(from - start, to - start);
    const absolute = image.type === TYPE_EXECUTABLE;
    const shift = area.section.address - area.section.offset;
    if (area.kind === 'code' && image.machine === MACHINE_X86_64)
      labelX86(file, area.start, from, part, shift, absolute, labelOf);
    else if (area.kind === 'pointers' || (absolute && area.kind === 'readonly'))
      labelPointers(from, part, labelOf);
  }
}

function labelX86(
  file: OldBytes,
  areaStart: number,
  start: number,
  bytes: Uint8Array,
  shift: number,
  absolute: boolean,
  labelOf: LabelOf,
): void {
  const first = Math.max(areaStart, start - RUN_UP_BYTES);
  const code = new Uint8Array(start - first + bytes.length + MAX_INSTRUCTION_BYTES);
  file.copy(first, code);
  const lead = start - first;
  const stop = lead + bytes.length;
  const instruction = newInstruction();
  const set = (field: number, origin: number) => {
    const at = field - lead;
    if (at < 0 || at + 4 > bytes.length) return;
    const found = labelOf(origin + getI32(code, field));
    if (found >= 0) setI32(bytes, at, found | 0);
  };
  for (let at = 0; at < stop; at += instruction.length) {
    decodeInstruction(code, at, instruction);
    const next = first + at + instruction.length + shift;
    if (instruction.branchField >= 0 && instruction.branchBytes === 4)
      set(at + instruction.branchField, next);
    if (instruction.ripField >= 0) set(at + instruction.ripField, next);
    if (absolute && instruction.absoluteField >= 0) set(at + instruction.absoluteField, 0);
    if (absolute && instruction.immediateField >= 0) set(at + instruction.immediateField, 0);
  }
}

function labelPointers(start: number, bytes: Uint8Array, labelOf: LabelOf): void {
  for (let at = -start & 7; at + 8 <= bytes.length; at += 8) {
    const address = getU64(bytes, at);
    const found = address < 0x1000 ? -1 : labelOf(address);
    if (found >= 0) setU64(bytes, at, found);
  }
}
