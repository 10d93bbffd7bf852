/** Threads that do what comes after matching: they try the mixing coder on streams, and prove layers. */
import type { RandomAccess } from '../../bytes/access.ts';
import { MAX_MIX_BYTES } from '../../kernels/mix.ts';
import type { MixedStream } from '../mix.ts';
import type { Pool, Ticket } from './pool.ts';
import { type MixAnswer, type MixTask, type ProofSources, type ProveTask, sourceOf } from './tasks.ts';

export interface LateThreads {
  /** `here` does the same on this thread. */
  mix(
    stream: number,
    plain: RandomAccess,
    here: () => Promise<MixedStream | undefined>,
  ): Ticket<MixedStream | undefined>;
  prove(
    sources: ProofSources,
    layers: readonly number[],
    tempDirectory: string,
    here: () => Promise<void>,
  ): Ticket<void>;
}

/** Asking a thread takes as long as a stream that is shorter. */
const WORTH_ASKING_BYTES = 1 << 9;

/** The pool remains the caller's. */
export function openLateThreads(pool: Pool): LateThreads {
  return {
    mix(stream, plain, here) {
      if (plain.sizeBytes > MAX_MIX_BYTES || plain.sizeBytes < WORTH_ASKING_BYTES) return { result: here };
      const task: MixTask = { kind: 'mix', stream, plain: sourceOf(plain, MAX_MIX_BYTES) };
      return pool.begin(task, here, ({ mixed }: MixAnswer) => mixed);
    },
    prove(sources, layers, tempDirectory, here) {
      const { written, tars, blobs } = sources;
      const all = [written, ...tars, blobs].filter((each) => each !== undefined);
      if (all.some(({ ranges }) => ranges === undefined)) return { result: here };
      const task: ProveTask = {
        kind: 'prove',
        written: written.ranges!(),
        tars: tars.map((tar) => tar?.ranges?.()),
        blobs: blobs?.ranges?.(),
        layers,
        tempDirectory,
      };
      return pool.begin(task, here, () => {});
    },
  };
}
