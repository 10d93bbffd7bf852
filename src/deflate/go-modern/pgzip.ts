/**
 * The framing of klauspost/pgzip: the input in blocks that are compressed apart, each primed with the end of the
 * one before and ended by a sync flush.
 */
import type { ByteSink } from '../bits.ts';
import type { DeflateModel } from '../model.ts';
import { createModernModel } from './model.ts';

/** Levels whose way of taking a dictionary is modelled. */
export const PGZIP_LEVELS: readonly number[] = [-2, 0, 1, 2, 3, 4, 5, 6];

const DICTIONARY_BYTES = 16384;

/** `blockBytes` is 2^20, or 2^18 in versions before 1.2.2 and where the program sets it. */
export function createPgzipModel(
  level: number,
  variant: number,
  blockBytes: number,
  sink: ByteSink,
): DeflateModel {
  const model = createModernModel(level, variant, sink);
  const dictionary = new Uint8Array(DICTIONARY_BYTES);
  let filled = 0;
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + blockBytes - filled);
        model.write(part);
        remember(dictionary, part);
        filled += part.length;
        at += part.length;
        if (filled < blockBytes) continue;
        model.flush();
        model.restart(dictionary);
        filled = 0;
      }
    },
    // Its Flush ends the block early; what is primed then depends on the block's length.
    flush() {
      model.flush();
      model.restart(filled > DICTIONARY_BYTES ? dictionary : dictionary.subarray(0, 0));
      filled = 0;
    },
    finish() {
      model.flush();
      model.finish();
    },
    reset() {
      model.reset();
      filled = 0;
    },
  };
}

/** Keeps the last bytes written. */
function remember(dictionary: Uint8Array, part: Uint8Array): void {
  const size = dictionary.length;
  if (part.length >= size) {
    dictionary.set(part.subarray(part.length - size));
    return;
  }
  dictionary.copyWithin(0, part.length);
  dictionary.set(part, size - part.length);
}
