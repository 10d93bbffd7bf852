/** Lets the event loop in from time to time during long synchronous work, so that progress shows and an abort is heard. */
import { setImmediate } from 'node:timers/promises';
import type { Progress } from './store.ts';

export interface Phase {
  /** To be called after every piece of work. Throws what the signal was aborted with. */
  readonly tick: (bytes: number) => Promise<void>;
}

/** Work that is done between two looks at the event loop, in bytes. */
const TURN_BYTES = 1 << 20;

export function startPhase(
  phase: string,
  totalBytes: number,
  signal: AbortSignal | undefined,
  onProgress: ((progress: Progress) => void) | undefined,
): Phase {
  let doneBytes = 0;
  let sinceTurn = 0;
  return {
    async tick(bytes) {
      doneBytes += bytes;
      sinceTurn += bytes;
      if (sinceTurn < TURN_BYTES && doneBytes < totalBytes) return;
      sinceTurn = 0;
      onProgress?.({ phase, doneBytes, totalBytes });
      await setImmediate();
      signal?.throwIfAborted();
    },
  };
}
