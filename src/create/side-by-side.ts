/** Runs jobs side by side as far as memory allows, and gives their results in the order of the jobs. */

export interface Job<Result> {
  /** What it takes of the room while it runs. */
  readonly weight: number;
  readonly run: () => Promise<Result>;
  /** Takes back a result, when another job failed. */
  readonly undo: (result: Result) => void;
}

/**
 * Runs at most `threads` jobs at once, and only so many that their weights stay within `room`; one that is heavier runs
 * alone. The heaviest begin first. When one fails, or the signal is aborted, those that run are waited for, the others
 * are not begun, and results are undone; throws what failed first.
 */
export async function runSideBySide<Result>(
  jobs: readonly Job<Result>[],
  threads: number,
  room: number,
  signal: AbortSignal | undefined,
): Promise<Result[]> {
  const waiting = jobs.map((job, place) => ({ job, place }));
  waiting.sort((a, b) => b.job.weight - a.job.weight || a.place - b.place);
  const results = new Map<number, Result>();
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  let used = 0;
  const start = ({ job, place }: (typeof waiting)[number]) => {
    used += job.weight;
    const done = job
      .run()
      .then(
        (result) => void results.set(place, result),
        (error: unknown) => {
          failure ??= { error };
        },
      )
      .finally(() => {
        used -= job.weight;
        running.delete(done);
      });
    running.add(done);
  };
  while (running.size > 0 || (waiting.length > 0 && failure === undefined)) {
    if (signal?.aborted) failure ??= { error: signal.reason };
    while (failure === undefined && running.size < threads) {
      const fits = waiting.findIndex(({ job }) => running.size === 0 || used + job.weight <= room);
      if (fits < 0) break;
      start(waiting.splice(fits, 1)[0]!);
    }
    if (running.size > 0) await Promise.race(running);
  }
  if (failure === undefined) return jobs.map((_, place) => results.get(place)!);
  for (const [place, result] of results) jobs[place]!.undo(result);
  throw failure.error;
}
