/** Takes an archive of Java classes apart: which of its bytes are pointers, symbols, or follow from these. */
import type { Area, ElfImage, Section, Segment } from '../elf/image.ts';
import { TYPE_SHARED } from '../elf/image.ts';
import type { OldBytes } from '../elf/old-bytes.ts';
import { parseCdsHeader } from './header.ts';
import type { CdsHeader, CdsLayout, CdsRegion } from './model.ts';
import { countSymbols } from './symbols.ts';
import { findTables } from './tables.ts';

/** As an image with addresses like that of an executable; undefined when it is no such archive. */
export function parseCds(bytes: OldBytes): ElfImage | undefined {
  const header = parseCdsHeader(bytes, bytes.sizeBytes);
  if (header === undefined) return undefined;
  const counts = header.core.map((region) => countSymbols(bytes, region));
  const symbolRegion = counts.findIndex((count) => count > 0);
  const tables = findTables(bytes, header, counts[symbolRegion] ?? -1);
  const layout: CdsLayout = { ...header, symbolRegion, tables };
  const sections = [
    ...header.core.map((each, index) => asSection(each, index, 'cdsSpace')),
    ...header.heap.map((each, index) => asSection(each, header.core.length + index, 'cdsHeap')),
  ];
  return {
    machine: 0,
    type: TYPE_SHARED,
    sections,
    areas: layOut(bytes.sizeBytes, sections, layout),
    loads: cdsLoads(header),
    go: undefined,
    cds: layout,
  };
}

/** The regions as what a loader is told of a program. */
export function cdsLoads({ core, heap }: CdsHeader): Segment[] {
  return [...core, ...heap].map(({ offset, address, sizeBytes }) => ({
    type: 1,
    offset,
    address,
    fileBytes: sizeBytes,
    memoryBytes: sizeBytes,
  }));
}

function asSection({ offset, address, sizeBytes }: CdsRegion, index: number, kind: Section['kind']): Section {
  return {
    index,
    type: 1,
    address,
    offset,
    size: sizeBytes,
    link: 0,
    info: 0,
    nameOffset: 0,
    align: 0,
    entryBytes: 0,
    alloc: true,
    executable: false,
    writable: false,
    threadLocal: false,
    stored: true,
    kind,
  };
}

/** Regions, the tables cut out of them, and the map, in the order of the file; the rest is plain. */
function layOut(
  sizeBytes: number,
  sections: readonly Section[],
  { tables, map, coreMaps, heapMaps }: CdsLayout,
): Area[] {
  const areas: Area[] = [];
  let at = 0;
  const add = (start: number, end: number, kind: Area['kind'], section: Section | undefined) => {
    if (start > at) areas.push({ start: at, end: start, kind: 'plain', section: undefined });
    if (end > start) areas.push({ start, end, kind, section });
    at = end;
  };
  const hasMaps = coreMaps.length > 0 || heapMaps.some((each) => each !== undefined);
  const claims =
    map === undefined || !hasMaps ? [] : [{ ...map, kind: 'cdsMap' as const, section: undefined }];
  const stretches = sections.map((section) => ({
    start: section.offset,
    end: section.offset + section.size,
    kind: section.kind,
    section,
  }));
  for (const { start, end, kind, section } of [...stretches, ...claims].sort((a, b) => a.start - b.start)) {
    add(start, start, kind, section);
    for (const table of tables) {
      if (table.start < at || table.end > end) continue;
      add(at, table.start, kind, section);
      add(table.start, table.end, table.kind, section);
    }
    add(at, end, kind, section);
  }
  add(sizeBytes, sizeBytes, 'plain', undefined);
  return areas;
}
