/** The other end of a pool: takes tasks that nobody has taken yet, one after the other, and answers. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread, ThreadData, ToThread } from './pool.ts';

/** `start` gives what hears what is told, and does tasks. */
export function serve<Told, Task, Answer>(
  start: () => {
    readonly hear: (told: Told) => void;
    readonly answer: (task: Task) => Promise<Answer>;
    /** What of an answer is handed over instead of copied. */
    readonly memoryOf: (answer: Answer) => ArrayBuffer[];
  },
): void {
  const port = parentPort!;
  const { claims } = workerData as ThreadData;
  const { hear, answer, memoryOf } = start();
  /** One after the other: what they work with is used again for the next. */
  let turn = Promise.resolve();
  const take = async ({ id, slot, task }: Extract<ToThread, { readonly id: number }>) => {
    if (Atomics.compareExchange(claims, slot, id, 0) !== id) return;
    try {
      const given = await answer(task as Task);
      port.postMessage({ id, answer: given } satisfies FromThread, memoryOf(given));
    } catch {
      port.postMessage({ id } satisfies FromThread);
    }
  };
  port.on('message', (message: ToThread) => {
    turn = turn.then(() => ('told' in message ? hear(message.told as Told) : take(message)));
  });
}
