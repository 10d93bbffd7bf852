/** The pool with threads that a few lines of plain JavaScript are: what they do doesn't matter here. */
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openPool } from './pool.ts';

/** Doubles numbers; fails on 13, dies of 666, never answers 99, takes its time for 1500 and 2000. */
const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
parentPort.on('message', ({ id, slot, task }) => {
  if (id === undefined || Atomics.compareExchange(workerData.claims, slot, id, 0) !== id) return;
  if (task === 666) process.exit(1);
  if (task === 99) return;
  const answer = () => parentPort.postMessage(task === 13 ? { id } : { id, answer: { doubled: 2 * task } });
  if (task === 1500 || task === 2000) setTimeout(answer, task);
  else answer();
});`;
const url = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`);

const begin = (pool: ReturnType<typeof openPool>, task: number, onHere = () => {}) =>
  pool.begin(
    task,
    async () => {
      onHere();
      return 2 * task;
    },
    ({ doubled }: { doubled: number }) => doubled,
  );

test('results are those of the tasks, whoever did them, and whether threads fail or die', async () => {
  for (const threads of [0, 1, 3]) {
    const pool = openPool(url, () => threads, undefined);
    const tasks = [1, 13, 2, 666, 3, 666, 13, 4, 666, 5, ...Array.from({ length: 2000 }, (_, i) => 3000 + i)];
    const tickets = tasks.map((task) => begin(pool, task));
    const results: number[] = [];
    for (const ticket of tickets) results.push(await ticket.result());
    expect(results).toEqual(tasks.map((task) => 2 * task));
    await pool.close();
  }
});

test('threads do tasks while nobody waits for them', async () => {
  const pool = openPool(url, () => 1, undefined);
  let here = 0;
  const tickets = [1, 2, 3].map((task) => begin(pool, task, () => here++));
  await setTimeout(2000);
  for (const [i, ticket] of tickets.entries()) expect(await ticket.result()).toBe(2 * (i + 1));
  expect(here).toBe(0);
  await pool.close();
});

test('threads may be started before there is a task, and not twice', async () => {
  let asked = 0;
  const room = () => {
    asked++;
    return 1;
  };
  const pool = openPool(url, room, undefined);
  pool.start();
  expect(asked).toBe(1);
  pool.start();
  expect(await begin(pool, 4).result()).toBe(8);
  expect(asked).toBe(1);
  await pool.close();
});

test('several may wait at once, each for a thread of its own', async () => {
  const pool = openPool(url, () => 2, undefined);
  const tickets = [2000, 1500].map((task) => begin(pool, task));
  await setTimeout(1000);
  expect(await Promise.all(tickets.map((ticket) => ticket.result()))).toEqual([4000, 3000]);
  await pool.close();
}, 20_000);

test('an error is told to who wants the result, not to who waits for another', async () => {
  const pool = openPool(url, () => 1, undefined);
  const failing = pool.begin(
    13,
    () => Promise.reject(new Error('no 13')),
    () => 0,
  );
  expect(await begin(pool, 1).result()).toBe(2);
  await expect(failing.result()).rejects.toThrow('no 13');
  await pool.close();
});

test('an abort ends the wait for a thread, and closing ends the thread', async () => {
  const abort = new AbortController();
  const pool = openPool(url, () => 1, abort.signal);
  const ticket = begin(pool, 99);
  await setTimeout(1000);
  const waiting = ticket.result();
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await pool.close();
});

test('what threads that are sent to rest were at is done here', async () => {
  const pool = openPool(url, () => 1, undefined);
  const ticket = begin(pool, 99);
  await setTimeout(1000);
  pool.rest();
  expect(await ticket.result()).toBe(198);
  await pool.close();
});
