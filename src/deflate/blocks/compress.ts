/**
 * pgzip's blocks on two threads: each is compressed apart, so a helper has some while this thread does others, and what
 * comes out doesn't depend on who did which. The reference is go-modern/pgzip.ts, which does one after the other.
 */
import { createModernModel } from '../go-modern/model.ts';
import { holdOutput } from '../held-output.ts';
import type { Helper } from './helper.ts';
import { type BlockSettings, type BlockTask, compressBlock, DICTIONARY_BYTES } from './tasks.ts';

/** A block that is being compressed, or is. */
interface Begun {
  /** Waits for its bytes, which are valid until `free` is called. */
  bytes(): Promise<Uint8Array>;
  free(): void;
}

/**
 * Compresses `plain` to DEFLATE streams of blocks, in pieces that are valid until the next is asked for. `onPlain` is told
 * of each piece that is taken. The helper stays the caller's.
 */
export async function* compressBlocks(
  plain: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  settings: BlockSettings,
  helper: Helper,
  onPlain: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  const { level, variant, blockBytes } = settings;
  const output = holdOutput();
  const model = createModernModel(level, variant, output.sink);
  /** The block in the making, behind the end of the one before. */
  const input = new Uint8Array(DICTIONARY_BYTES + blockBytes);
  const freeSlots = helper.slots.map((_, slot) => slot);
  const begun: Begun[] = [];
  let isBusy = false;
  let filled = 0;
  let dictionaryBytes = 0;

  const giveAway = (slot: number, isLast: boolean): Begun => {
    const { input: given, output: made } = helper.slots[slot]!;
    given.set(input.subarray(0, DICTIONARY_BYTES + filled));
    const task = { slot, dictionaryBytes, plainBytes: filled, isLast };
    const answer = helper.compress(task);
    return {
      async bytes() {
        const count = await answer;
        return count < 0 ? compressAgain(given, task, settings) : made.subarray(0, count);
      },
      free: () => void freeSlots.push(slot),
    };
  };
  const begin = (isLast: boolean): Begun => {
    const slot = freeSlots.shift();
    if (slot !== undefined) return giveAway(slot, isLast);
    compressBlock(model, input, { dictionaryBytes, plainBytes: filled, isLast });
    const bytes = output.take();
    isBusy = true;
    return {
      bytes: async () => bytes,
      free() {
        isBusy = false;
      },
    };
  };
  async function* handOut(): AsyncGenerator<Uint8Array> {
    const first = begun.shift()!;
    yield await first.bytes();
    first.free();
  }
  /** Until the next block can be given away, or done here. */
  async function* makeRoom(): AsyncGenerator<Uint8Array> {
    while (isBusy && freeSlots.length === 0) yield* handOut();
  }

  for await (const piece of plain) {
    onPlain(piece);
    for (let at = 0; at < piece.length; ) {
      const count = Math.min(piece.length - at, blockBytes - filled);
      input.set(piece.subarray(at, at + count), DICTIONARY_BYTES + filled);
      filled += count;
      at += count;
      if (filled < blockBytes) continue;
      yield* makeRoom();
      begun.push(begin(false));
      input.copyWithin(0, blockBytes, blockBytes + DICTIONARY_BYTES);
      dictionaryBytes = DICTIONARY_BYTES;
      filled = 0;
    }
  }
  // It may be empty.
  yield* makeRoom();
  begun.push(begin(true));
  while (begun.length > 0) yield* handOut();
}

/** What the helper could not do. */
function compressAgain(input: Uint8Array, task: BlockTask, { level, variant }: BlockSettings): Uint8Array {
  const output = holdOutput();
  compressBlock(createModernModel(level, variant, output.sink), input, task);
  return output.take();
}
