/** A thread beside this one that compresses blocks. What it was at when it failed is done again here. */
import { Worker } from 'node:worker_threads';
import { processorCount } from '../../bytes/file.ts';
import {
  type BlockAnswer,
  type BlockSettings,
  type BlockTask,
  DICTIONARY_BYTES,
  roomFor,
  type Slot,
  type ThreadData,
} from './tasks.ts';

export interface Helper {
  readonly slots: readonly Slot[];
  /** Resolves to how many bytes of the slot's output were made; -1 when nobody made them. */
  compress(task: BlockTask): Promise<number>;
  close(): Promise<void>;
}

/** Blocks that the helper has: what it is at, and what it goes on with. */
const SLOTS = 2;

/**
 * Undefined where there is one processor, or nothing compiled that a thread could run, as when the program runs from its
 * sources. Memory: some 9 MB for the thread, and twice a block for each slot.
 */
export function openHelper(settings: BlockSettings): Helper | undefined {
  const { blockBytes } = settings;
  if (processorCount() < 2 || import.meta.url.endsWith('.ts')) return undefined;
  const slots = Array.from({ length: SLOTS }, () => ({
    input: new Uint8Array(new SharedArrayBuffer(DICTIONARY_BYTES + blockBytes)),
    output: new Uint8Array(new SharedArrayBuffer(roomFor(blockBytes))),
  }));
  const waiting = new Map<number, (bytes: number) => void>();
  const worker = new Worker(new URL('./thread.js', import.meta.url), {
    workerData: { ...settings, slots } satisfies ThreadData,
    resourceLimits: { maxYoungGenerationSizeMb: 1 },
  });
  let isLost = false;
  worker.on('message', ({ slot, bytes }: BlockAnswer) => {
    waiting.get(slot)?.(bytes);
    waiting.delete(slot);
  });
  const lose = () => {
    isLost = true;
    for (const done of waiting.values()) done(-1);
    waiting.clear();
  };
  worker.on('error', lose);
  worker.on('exit', lose);
  return {
    slots,
    compress(task) {
      if (isLost) return Promise.resolve(-1);
      return new Promise((done) => {
        waiting.set(task.slot, done);
        worker.postMessage(task);
      });
    },
    close: async () => void (await worker.terminate()),
  };
}
