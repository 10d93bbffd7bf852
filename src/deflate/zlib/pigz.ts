/**
 * The framing of pigz over zlib: blocks of 128 KiB compressed apart, each with the 32 KiB before it as dictionary,
 * brought to byte boundaries by empty blocks.
 */
import type { ByteSink } from '../bits.ts';
import type { DeflateModel } from '../model.ts';
import { createZlibModel } from './model.ts';

const DICTIONARY_BYTES = 32768;
const EMPTY = new Uint8Array(0);

/**
 * `blockBytes` is 2^17 unless pigz was told otherwise; it must be at least 32 KiB. Blocks that are `independent` have
 * no dictionary, and two markers between them.
 */
export function createPigzModel(
  level: number,
  flavour: number,
  blockBytes: number,
  independent: boolean,
  sink: ByteSink,
): DeflateModel {
  const model = createZlibModel(level, flavour, sink);
  const dictionary = new Uint8Array(DICTIONARY_BYTES);
  let filled = 0;
  const endBlock = () => {
    model.endBlock();
    if (independent) {
      model.marker();
      model.marker();
    } else if ((model.openBits & 1) === 1) model.marker();
    else while (model.openBits !== 0) model.emptyFixed();
    model.restart(independent ? EMPTY : dictionary);
    filled = 0;
  };
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        if (filled === blockBytes) endBlock();
        const part = bytes.subarray(at, at + blockBytes - filled);
        model.write(part);
        const tailStart = blockBytes - DICTIONARY_BYTES;
        const from = Math.max(0, tailStart - filled);
        if (from < part.length) dictionary.set(part.subarray(from), filled + from - tailStart);
        filled += part.length;
        at += part.length;
      }
    },
    flush: () => model.flush(),
    finish: () => model.finish(),
    reset() {
      model.reset();
      filled = 0;
    },
  };
}
