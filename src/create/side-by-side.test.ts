import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Job, runSideBySide } from './side-by-side.ts';

/** Jobs that note when they run, give their place, and fail where `failing` says so. */
function jobsOf(weights: readonly number[], failing: readonly number[] = []) {
  const log = {
    running: 0,
    most: 0,
    weight: 0,
    mostWeight: 0,
    begun: [] as number[],
    undone: [] as number[],
  };
  const jobs = weights.map(
    (weight, place): Job<number> => ({
      weight,
      async run() {
        log.begun.push(place);
        log.running++;
        log.weight += weight;
        log.most = Math.max(log.most, log.running);
        log.mostWeight = Math.max(log.mostWeight, log.weight);
        for (let turn = 0; turn <= place % 3; turn++) await setImmediate();
        log.running--;
        log.weight -= weight;
        if (failing.includes(place)) throw new Error(`job ${place} failed`);
        return place;
      },
      undo: (result) => log.undone.push(result),
    }),
  );
  return { jobs, log };
}

test.each([1, 2, 5, 100])('%d threads give the same results, in the order of the jobs', async (threads) => {
  const { jobs, log } = jobsOf([1, 9, 3, 3, 7, 2, 1]);
  expect(await runSideBySide(jobs, threads, 100, undefined)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(log.most).toBe(Math.min(threads, 7));
});

test('what runs at once stays within the room, except for one job that is larger than it', async () => {
  const { jobs, log } = jobsOf([4, 20, 4, 5, 3, 2]);
  expect(await runSideBySide(jobs, 6, 10, undefined)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(log.begun[0]).toBe(1);
  expect(log.mostWeight).toBe(20);
  const small = jobsOf([4, 4, 5, 3, 2]);
  await runSideBySide(small.jobs, 6, 10, undefined);
  expect(small.log.mostWeight).toBeLessThanOrEqual(10);
  expect(small.log.most).toBeGreaterThan(1);
});

test('no job is no result', async () => {
  expect(await runSideBySide([], 2, 10, undefined)).toEqual([]);
});

test('when a job fails, those that run are waited for and undone, and no other is begun', async () => {
  const { jobs, log } = jobsOf([9, 8, 7, 6, 5], [0]);
  await expect(runSideBySide(jobs, 2, 100, undefined)).rejects.toThrow('job 0 failed');
  expect(log.running).toBe(0);
  expect(log.begun).toEqual([0, 1]);
  expect(log.undone).toEqual([1]);
});

test('an abort is heard before the next job', async () => {
  const { jobs, log } = jobsOf([9, 8, 7]);
  const controller = new AbortController();
  const running = runSideBySide(jobs, 1, 100, controller.signal);
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  expect(log.begun).toEqual([0]);
  expect(log.undone).toEqual([0]);
  await expect(runSideBySide(jobs, 1, 100, controller.signal)).rejects.toThrow('enough');
});
