/** Expands brotli data that is held in memory as a whole. Guards that it is used whole and can't grow past a limit. */
import { brotliDecompressSync } from 'node:zlib';
import { corrupt } from '../errors.ts';

/** `what` names the data in errors. Throws CORRUPT_INPUT when it is damaged, too large, or goes on after its end. */
export function expandBrotli(coded: Uint8Array, limitBytes: number, what: string): Uint8Array {
  let found: { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };
  try {
    // With `info`, node tells how much of the input it took: it ends without a word at the end of the brotli data.
    const options = { maxOutputLength: limitBytes, info: true };
    found = brotliDecompressSync(coded, options) as unknown as typeof found;
  } catch (cause) {
    throw corrupt(`${what} can't be decoded: ${(cause as Error).message}`, { cause });
  }
  const rest = coded.length - found.engine.bytesWritten;
  if (rest > 0) throw corrupt(`${what} goes on for ${rest} bytes after the end of its brotli data`);
  return found.buffer;
}
