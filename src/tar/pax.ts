/**
 * PAX extended header records, `LENGTH KEY=VALUE\n` (POSIX.1-2024 `pax`, "pax Extended Header"). Anything that isn't
 * exactly of that form makes the whole set not understood: half of a hostile header is never used.
 */

import { asBuffer } from './block.ts';

/** Key to value, one character per byte (latin1). An empty value takes back what an earlier header said. */
export type PaxRecords = ReadonlyMap<string, string>;

const NO_NUL = new Set(['path', 'linkpath', 'uname', 'gname', 'GNU.sparse.name']);
const SPACE = 0x20;
const NEWLINE = 0x0a;

/** Undefined when `data` isn't a row of records; zero bytes may follow the last. Of equal keys the last counts. */
export function parsePaxRecords(data: Uint8Array): PaxRecords | undefined {
  const buffer = asBuffer(data);
  const records = new Map<string, string>();
  let at = 0;
  while (at < buffer.length && buffer[at] !== 0) {
    const space = at + lengthDigits(buffer, at);
    if (space === at || buffer[space] !== SPACE) return undefined;
    const end = at + Number(buffer.toString('latin1', at, space));
    if (end <= space + 1 || end > buffer.length || buffer[end - 1] !== NEWLINE) return undefined;
    const equals = buffer.indexOf('=', space + 1, 'latin1');
    if (equals <= space + 1 || equals >= end - 1) return undefined;
    const key = buffer.toString('latin1', space + 1, equals);
    const value = buffer.toString('latin1', equals + 1, end - 1);
    if (key.includes('\0') || (NO_NUL.has(key) && value.includes('\0'))) return undefined;
    records.set(key, value);
    at = end;
  }
  for (; at < buffer.length; at++) if (buffer[at] !== 0) return undefined;
  return records;
}

/** How many decimal digits stand at `at`; never more than a length within the limit can have. */
function lengthDigits(buffer: Buffer, at: number): number {
  let count = 0;
  while (count < 9 && buffer[at + count]! >= 0x30 && buffer[at + count]! <= 0x39) count++;
  return count;
}

/** A size as PAX writes it: decimal digits. Undefined when it isn't, or beyond 2^53. */
export function parsePaxSize(text: string): number | undefined {
  const size = /^[0-9]{1,20}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(size) ? size : undefined;
}

/** A time as PAX writes it: decimal seconds, maybe with a sign and a fraction. */
export function parsePaxTime(text: string): number | undefined {
  return /^-?[0-9]{1,20}(\.[0-9]*)?$/.test(text) ? Number(text) : undefined;
}
