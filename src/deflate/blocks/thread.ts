/** The thread that compresses blocks: one after the other, as it is asked to. */
import { parentPort, workerData } from 'node:worker_threads';
import { createModernModel } from '../go-modern/model.ts';
import { type BlockAnswer, type BlockTask, compressBlock, type ThreadData } from './tasks.ts';

const { level, variant, slots } = workerData as ThreadData;
let output: Uint8Array = new Uint8Array(0);
let bytes = 0;
const model = createModernModel(level, variant, (piece) => {
  if (bytes < 0 || bytes + piece.length > output.length) {
    bytes = -1;
    return;
  }
  output.set(piece, bytes);
  bytes += piece.length;
});

parentPort?.on('message', (task: BlockTask) => {
  const slot = slots[task.slot]!;
  output = slot.output;
  bytes = 0;
  compressBlock(model, slot.input, task);
  parentPort?.postMessage({ slot: task.slot, bytes } satisfies BlockAnswer);
});
