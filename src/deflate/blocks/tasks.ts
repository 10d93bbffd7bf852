/** What the thread that compresses blocks and the one that asks it tell each other. */
import type { DeflateModel } from '../model.ts';

/** The end of a block by which the next is primed. */
export const DICTIONARY_BYTES = 16384;

export interface BlockSettings {
  readonly level: number;
  readonly variant: number;
  readonly blockBytes: number;
}

/** A block on its way, in memory that both threads see. */
export interface Slot {
  /** A dictionary, and behind it the block. */
  readonly input: Uint8Array;
  readonly output: Uint8Array;
}

export interface ThreadData extends BlockSettings {
  readonly slots: readonly Slot[];
}

export interface BlockTask {
  readonly slot: number;
  readonly dictionaryBytes: number;
  readonly plainBytes: number;
  readonly isLast: boolean;
}

/** How many bytes of the output it made; -1 where they had no room. */
export interface BlockAnswer {
  readonly slot: number;
  readonly bytes: number;
}

/** What a block can get, compressed: stored blocks, markers, an end. */
export function roomFor(blockBytes: number): number {
  return blockBytes + (blockBytes >> 8) + 4096;
}

export interface BlockModel extends DeflateModel {
  restart(dictionary: Uint8Array): void;
}

/** Compresses one block, whatever the model did before. The last one ends the stream. */
export function compressBlock(model: BlockModel, input: Uint8Array, task: Omit<BlockTask, 'slot'>): void {
  const { dictionaryBytes, plainBytes, isLast } = task;
  model.restart(input.subarray(DICTIONARY_BYTES - dictionaryBytes, DICTIONARY_BYTES));
  model.write(input.subarray(DICTIONARY_BYTES, DICTIONARY_BYTES + plainBytes));
  model.flush();
  if (isLast) model.finish();
}
