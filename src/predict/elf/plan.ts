/**
 * What only the side that makes a patch does about executables: regions fit for prediction, and how many bytes
 * prediction leaves to correct.
 */
import { bytesAccess } from '../../bytes/access.ts';
import type { Region } from '../../kernels/match.ts';
import { type Area, type ElfImage, parseElfImage } from './image.ts';
import { openOldBytes } from './old-bytes.ts';
import { isTable } from './predictor.ts';

/**
 * Regions for the same files in which every table that both have is one region: what follows from the records of
 * the old table needs no matching bytes. Undefined areas are as they were. Both files whole.
 */
export function planElfRegions(
  old: Uint8Array,
  next: Uint8Array,
  regions: readonly Region[],
): readonly Region[] {
  const before = parseElfImage(openOldBytes(bytesAccess(old)));
  const after = parseElfImage(openOldBytes(bytesAccess(next)));
  if (before === undefined || after === undefined) return regions;
  const tables = pairTables(before, after, old.length);
  if (tables.length === 0) return regions;
  const kept: Region[] = [];
  let table = 0;
  for (const region of regions) {
    let { newStart } = region;
    const end = newStart + region.length;
    while (table > 0 && tables[table - 1]!.newStart + tables[table - 1]!.length > newStart) table--;
    while (newStart < end) {
      while (table < tables.length && tables[table]!.newStart + tables[table]!.length <= newStart) table++;
      const next = tables[table];
      const stop = next === undefined ? end : Math.min(end, Math.max(newStart, next.newStart));
      if (stop > newStart)
        kept.push({
          newStart,
          oldStart: region.oldStart + newStart - region.newStart,
          length: stop - newStart,
        });
      newStart = next === undefined || stop === end ? end : next.newStart + next.length;
      if (stop < end && next !== undefined) newStart = Math.min(end, newStart);
    }
  }
  return [...kept, ...tables].sort((a, b) => a.newStart - b.newStart);
}

/** The tables of the new file beside the old table of the same kind and rank. */
function pairTables(before: ElfImage, after: ElfImage, oldSize: number): Region[] {
  const tables: Region[] = [];
  const earlier = before.areas.filter((each) => isTable(each.kind));
  for (const area of after.areas.filter((each) => isTable(each.kind))) {
    const match = earlier.find((each) => sameTable(each, area));
    if (match === undefined) continue;
    earlier.splice(earlier.indexOf(match), 1);
    const length = Math.min(area.end - area.start, oldSize - match.start);
    tables.push({ newStart: area.start, oldStart: match.start, length });
  }
  return tables;
}

function sameTable(a: Area, b: Area): boolean {
  return a.kind === b.kind && a.section?.type === b.section?.type && a.section?.alloc === b.section?.alloc;
}
