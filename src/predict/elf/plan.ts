/** What only the side that makes a patch does about executables: it makes the regions fit for prediction. */
import type { RandomAccess } from '../../bytes/access.ts';
import type { Region } from '../../kernels/match.ts';
import { type Area, type ElfImage, isTable } from './image.ts';
import { type OldBytes, openOldBytes } from './old-bytes.ts';
import { parseElf } from './parse.ts';
import { openElfPredictor, STEP_BYTES } from './predictor.ts';

/**
 * Regions for the same files in which every table that both files have is one region: what follows from the records
 * of an old table needs no matching bytes. Other regions give way. The answer is in the order of newStart, too.
 */
export function planElfRegions(
  old: RandomAccess,
  next: RandomAccess,
  regions: readonly Region[],
): readonly Region[] {
  const oldBytes = openOldBytes(old);
  const newBytes = openOldBytes(next);
  const before = parseElf(oldBytes);
  const after = parseElf(newBytes);
  if (before === undefined || after === undefined) return regions;
  const sameNames = (a: number, b: number) => areSameNames(oldBytes, a, newBytes, b);
  const tables = pairTables(before, after, old.sizeBytes, sameNames);
  const tableStarts = new Set(tables.map((each) => each.oldStart));
  const planned: Region[] = [];
  const keep = (region: Region, from: number, to: number) => {
    let oldStart = region.oldStart + from - region.newStart;
    // Only the table itself may begin where it does; the first byte becomes a literal.
    const skipped = tableStarts.has(oldStart) ? 1 : 0;
    oldStart += skipped;
    if (to - from >= (skipped === 0 ? 1 : MIN_REMAINDER_BYTES))
      planned.push({ newStart: from + skipped, oldStart, length: to - from - skipped });
  };
  let table = 0;
  for (const region of regions) {
    const end = region.newStart + region.length;
    let at = region.newStart;
    while (at < end) {
      const next = tables[table];
      const stop = next === undefined ? end : Math.min(end, next.newStart);
      if (stop > at) keep(region, at, stop);
      at = Math.max(at, stop);
      if (next === undefined || at < next.newStart) break;
      const tableEnd = next.newStart + next.length;
      if (tableEnd > end) break;
      planned.push(next);
      table++;
      at = Math.max(at, tableEnd);
    }
  }
  return planned.concat(tables.slice(table)).sort((a, b) => a.newStart - b.newStart);
}

/** A shorter rest of a region that must lose its first byte is not worth an op. */
const MIN_REMAINDER_BYTES = 32;

/** The tables of the new file beside the old table of the same kind and rank, in the order of the new file. */
function pairTables(
  before: ElfImage,
  after: ElfImage,
  oldSize: number,
  sameNames: (old: number, next: number) => boolean,
): Region[] {
  const tables: Region[] = [];
  const earlier = before.areas.filter((each) => isTable(each.kind));
  for (const area of after.areas.filter((each) => isTable(each.kind))) {
    const rank = earlier.findIndex(
      (each) =>
        isSameTable(each, area) &&
        // Of these an object has many.
        (area.kind !== 'objectRela' || sameNames(each.section!.nameOffset, area.section!.nameOffset)),
    );
    const match = earlier[rank];
    if (match === undefined) continue;
    earlier.splice(rank, 1);
    const length = Math.min(area.end - area.start, oldSize - match.start);
    tables.push({ newStart: area.start, oldStart: match.start, length });
  }
  return tables;
}

function areSameNames(old: OldBytes, oldName: number, next: OldBytes, newName: number): boolean {
  for (let i = 0; i < MAX_NAME_BYTES; i++) {
    const byte = old.u8(oldName + i);
    if (byte !== next.u8(newName + i)) return false;
    if (byte === 0) return true;
  }
  return true;
}

const MAX_NAME_BYTES = 256;

function isSameTable(a: Area, b: Area): boolean {
  return a.kind === b.kind && a.section?.type === b.section?.type && a.section?.alloc === b.section?.alloc;
}

/** What regions leave to be stored, to compare ways with; in bytes and runs, before compression. */
export interface RegionCost {
  /** Bytes between the regions. */
  readonly literals: number;
  /** Bytes of the regions that are not as expected, and how many runs they form. */
  readonly wrong: number;
  readonly runs: number;
}

/** Measures `regions` with prediction, or without; the former walks as the writer of the patch will. */
export function measureRegions(
  old: RandomAccess,
  next: RandomAccess,
  regions: readonly Region[],
  predict: boolean,
): RegionCost {
  const predictor = predict ? openElfPredictor(old, regions, next.sizeBytes) : undefined;
  const buffer = new Uint8Array(STEP_BYTES);
  const truth = new Uint8Array(STEP_BYTES);
  let literals = 0;
  let wrong = 0;
  let runs = 0;
  let at = 0;
  let lastWrong = -2;
  const compare = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      if (truth[i] === buffer[i]) continue;
      buffer[i] = truth[i]!;
      wrong++;
      if (lastWrong !== at + i - 1) runs++;
      lastWrong = at + i;
    }
  };
  const skipLiteral = (end: number) => {
    literals += end - at;
    while (at < end) {
      const piece = truth.subarray(0, Math.min(end - at, STEP_BYTES));
      next.readAt(at, piece);
      predictor?.literal(at, piece);
      at += piece.length;
    }
  };
  for (const [index, { newStart, oldStart, length }] of regions.entries()) {
    skipLiteral(newStart);
    predictor?.startRegion(index);
    for (let done = 0; done < length; ) {
      let count = Math.min(STEP_BYTES, length - done);
      next.readAt(at, truth.subarray(0, count));
      if (predictor === undefined) {
        old.readAt(oldStart + done, buffer.subarray(0, count));
        compare(0, count);
      } else count = predictor.step(buffer, compare);
      at += count;
      done += count;
    }
  }
  skipLiteral(next.sizeBytes);
  return { literals, wrong, runs };
}
