/**
 * Finds the hash tables (openjdk, CompactHashtable): near the end of the last core region stand for each the number of
 * its entries, that of its buckets, and where both begin.
 */
import type { OldBytes } from '../elf/old-bytes.ts';
import type { CdsHeader, CdsTable } from './model.ts';

/** How far before the end of the last core region those words may stand. */
const MAX_TRAILER_BYTES = 1 << 16;
/** Larger tables are not made from what is known. */
export const MAX_BUCKETS = 1 << 20;
/** Smaller ones are not worth it. */
const MIN_ENTRIES = 64;
const MAX_TABLES = 16;

/** By offset, none overlapping; that of as many entries as there are `symbols` is that of the symbols. */
export function findTables(bytes: OldBytes, header: CdsHeader, symbols: number): readonly CdsTable[] {
  const last = header.core.at(-1)!;
  const end = last.offset + last.sizeBytes;
  const first = Math.max(last.offset, Math.floor((end - MAX_TRAILER_BYTES) / 8) * 8);
  const tables: CdsTable[] = [];
  for (let at = first; at + 32 <= end && tables.length < MAX_TABLES; at += 8) {
    const count = bytes.u64(at);
    const buckets = bytes.u64(at + 8);
    if (count < MIN_ENTRIES || buckets === 0 || buckets > MAX_BUCKETS) continue;
    const start = offsetOf(header, bytes.u64(at + 16)) - 4;
    if (start < 0 || start % 8 !== 0 || bytes.u32(start) !== buckets + 1) continue;
    const entries = start + entriesAt(buckets);
    if (offsetOf(header, bytes.u64(at + 24)) !== entries + 4) continue;
    const stop = start + tableBytes(buckets, bytes.u32(entries));
    if (!header.core.some((each) => each.offset <= start && stop <= each.offset + each.sizeBytes)) continue;
    tables.push({ start, end: stop, buckets, kind: count === symbols ? 'cdsSymbolTable' : 'cdsTable' });
  }
  tables.sort((a, b) => a.start - b.start || a.end - b.end);
  return tables.filter((each, i) => i === 0 || each.start >= tables[i - 1]!.end);
}

/** Where in a table the length of the array of entries stands. */
export function entriesAt(buckets: number): number {
  return 8 * Math.ceil((4 + 4 * (buckets + 1)) / 8);
}

/** Of a table with `words` words of entries. */
export function tableBytes(buckets: number, words: number): number {
  return entriesAt(buckets) + 8 * Math.ceil((4 + 4 * words) / 8);
}

/** The offset in the file of an address, or of what is its distance from the base; -1 when that is in no core region. */
function offsetOf({ core, base }: CdsHeader, word: number): number {
  const address = word < base ? word + base : word;
  for (const region of core)
    if (address >= region.address && address < region.address + region.sizeBytes)
      return region.offset + address - region.address;
  return -1;
}
