/** A thread beside this one that decodes streams. */
import { Worker } from 'node:worker_threads';
import { processorCount } from '../../bytes/file.ts';
import { portOf } from './messages.ts';
import { connectDecoders, type RemoteDecoders } from './remote.ts';

export interface DecodeThread extends Pick<RemoteDecoders, 'open'> {
  close(): Promise<void>;
}

/**
 * Undefined where there is one processor, or nothing compiled that a thread could run, as when the program runs from its
 * sources. `onIdle` is told when no stream is open any more.
 */
export function openDecodeThread(onIdle: () => void): DecodeThread | undefined {
  if (processorCount() < 2 || import.meta.url.endsWith('.ts')) return undefined;
  const worker = new Worker(new URL('./thread.js', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: 1 },
  });
  const { open, lose } = connectDecoders(portOf(worker), onIdle);
  worker.on('error', lose);
  worker.on('exit', lose);
  return { open, close: async () => void (await worker.terminate()) };
}
