/**
 * How a DEFLATE stream ends, which tells encoders apart with certainty: Go's end with an empty block of their own,
 * all others with the last of the data.
 */
import { type RandomAccess, readRange } from '../bytes/access.ts';

/**
 * `stored`: as Go's encoder up to 1.26 ends every stream, with an empty stored block; `fixed`: as its successor does,
 * with an empty block of fixed codes; `flushed`: with that after a flush, as pgzip; `data`: otherwise.
 */
export type Ending = 'stored' | 'fixed' | 'flushed' | 'data';

const READ_BYTES = 6;

/** `end` is where the stream's last byte was, the trailer not counted. */
export function readEnding(blob: RandomAccess, end: number): Ending {
  const start = Math.max(0, end - READ_BYTES);
  const bytes = readRange(blob, start, end - start, READ_BYTES);
  const last = Buffer.from(bytes).toString('hex');
  if (last === '0000ffff0300') return 'flushed';
  if (last.endsWith('0000ffff')) return 'stored';
  return endsWithFixed(bytes) ? 'fixed' : 'data';
}

/** Whether the last bits are an empty final block of fixed codes: 1 1 0, seven zeros, and at most seven to fill up. */
function endsWithFixed(bytes: Uint8Array): boolean {
  const [first = 0, second = 0, last = 0] = bytes.subarray(-3);
  const word = first | (second << 8) | (last << 16);
  const highest = 31 - Math.clz32(word);
  return highest >= 8 && highest <= 15 && ((word >> (highest - 1)) & 3) === 3;
}
