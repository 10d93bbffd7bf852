/** What stands in the hash tables of a new archive of Java classes, as far as it is known. */
import type { Context } from '../elf/piece.ts';
import { MAX_RECORDS, sortedBy } from '../elf/tables.ts';
import type { CdsTable } from './model.ts';
import type { CdsNews } from './news.ts';
import type { SymbolNews } from './symbols.ts';
import { entriesAt } from './tables.ts';

/** In the order in which they are put into the table; 32 bits each. */
export interface TableEntries {
  readonly hashes: Int32Array;
  readonly values: Int32Array;
}

const PLACE_MASK = (1 << 30) - 1;

/** The new symbols. */
export function symbolEntries(symbols: SymbolNews | undefined): TableEntries {
  const length = symbols?.offsets.length ?? 0;
  return {
    hashes: Int32Array.from({ length }, (_, i) => symbols!.textHashes.get(i)),
    values: Int32Array.from({ length }, (_, i) => symbols!.offsets.get(i)),
  };
}

/**
 * The old table's entries, moved, in the order of their old values, for a table of `newBuckets`. One that was alone in
 * its bucket has no hash there: it stays in that bucket if there are as many as before, and is left out if not.
 */
export function movedEntries(
  context: Context,
  table: CdsTable,
  news: CdsNews,
  newBuckets: number,
): TableEntries {
  const { old, addresses } = context;
  const { start, buckets } = table;
  const first = start + entriesAt(buckets) + 4;
  const most = Math.min(MAX_RECORDS, (table.end - first) >> 2);
  const hashes: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < buckets; i++) {
    const word = old.u32(start + 4 + 4 * i);
    const end = Math.min(table.end, first + 4 * (old.u32(start + 8 + 4 * i) & PLACE_MASK));
    const isAlone = word >>> 30 !== 0;
    if (isAlone && newBuckets !== buckets) continue;
    const step = isAlone ? 4 : 8;
    for (let at = first + 4 * (word & PLACE_MASK); at + step <= end && hashes.length < most; at += step) {
      hashes.push(isAlone ? i : old.i32(at));
      values.push(old.u32(at + step - 4));
      if (isAlone) break;
    }
  }
  const oldBase = context.image.cds!.base;
  const newBase = news.header()?.base ?? oldBase;
  const move = (value: number) => {
    if (addresses.isOld(value)) return addresses.toNew(value);
    return addresses.isOld(oldBase + value) ? addresses.toNew(oldBase + value) - newBase : value;
  };
  const { order } = sortedBy(values.length, (i) => values[i]!);
  return {
    hashes: Int32Array.from(order, (i) => hashes[i]!),
    values: Int32Array.from(order, (i) => move(values[i]!) | 0),
  };
}
