/**
 * Threads that do tasks ahead of who wants the results, in the order of the tasks. Who wants a result that no thread has
 * begun does that task itself, and while a thread is at it, those that come next: so a pool of one thread keeps two
 * processors busy. Results don't depend on who does a task, and a task that fails in a thread, or with it, is done again
 * here: errors are then those of a pool without threads.
 */
import { Worker } from 'node:worker_threads';

/** The result of a task, to be asked for once. */
export interface Ticket<Result> {
  result(): Promise<Result>;
}

export interface Pool {
  /** Tells all threads something that tasks after it need; those that are started later hear it too. */
  tell(message: unknown): void;
  /** Ends the threads for now, and forgets what was told. What they were at is done by who wants it. */
  rest(): void;
  /** Starts the threads that there is room for, as the first task would: those that are up have less to do for it. */
  start(): void;
  /** Begins a task. `here` does the same on this thread; `decode` takes what a thread answers. */
  begin<Result>(
    task: unknown,
    here: () => Promise<Result>,
    decode: (answer: never) => Result,
  ): Ticket<Result>;
  /** Ends all threads; what they read may be closed then. */
  close(): Promise<void>;
}

/** What a thread is started with. */
export interface ThreadData {
  /** Per slot the number of the task that nobody has taken yet. */
  readonly claims: Int32Array;
}

/** To a thread; a `task` only in one that is to be done by whoever takes it first. */
export type ToThread =
  | { readonly told: unknown }
  | { readonly id: number; readonly slot: number; readonly task: unknown };

/** From a thread: an answer, or that there is none. */
export interface FromThread {
  readonly id: number;
  readonly answer?: unknown;
}

/** Tasks that nobody has taken yet, at most; others are done when they are wanted. */
const MAX_WAITING = 1024;

interface Begun {
  readonly id: number;
  readonly slot: number;
  /** Does it on this thread, and keeps what comes of it. */
  readonly doHere: () => Promise<void>;
  answer?: FromThread | undefined;
}

/**
 * `url` is what threads run; they are started when a task is begun, if not before, as many as `room` says there is room for at that
 * time. Once `signal` is aborted, results throw its reason.
 */
export function openPool(url: URL, room: () => number, signal: AbortSignal | undefined): Pool {
  const claims = new Int32Array(new SharedArrayBuffer(4 * MAX_WAITING));
  const free = Array.from({ length: MAX_WAITING }, (_, slot) => slot);
  /** Those that may not be taken yet, in order. */
  const waiting = new Set<Begun>();
  const begun = new Map<number, Begun>();
  /** All who wait for something to be settled: each looks whether it was theirs. */
  let sleepers: (() => void)[] = [];
  const wake = () => {
    const woken = sleepers;
    sleepers = [];
    for (const each of woken) each();
  };
  let lastId = 0;
  const workers = new Set<Worker>();
  /** Those that are ending. */
  const ended = new Map<Worker, Promise<number>>();
  let told: unknown[] = [];

  /** Whether it is this thread that does it. */
  const take = (each: Begun): boolean => {
    waiting.delete(each);
    return Atomics.compareExchange(claims, each.slot, each.id, 0) === each.id;
  };
  const settle = (each: Begun, answer: FromThread) => {
    each.answer = answer;
    begun.delete(each.id);
    waiting.delete(each);
    free.push(each.slot);
    wake();
  };
  const start = () => {
    const workerData: ThreadData = { claims };
    const worker = new Worker(url, { workerData });
    worker.on('message', (message: FromThread) => {
      const each = begun.get(message.id);
      if (each !== undefined) settle(each, message);
    });
    worker.on('error', () => {});
    worker.once('exit', () => {
      workers.delete(worker);
      ended.delete(worker);
      // What it was at is done here; what it wasn't, by whoever takes it.
      for (const each of begun.values())
        if (Atomics.load(claims, each.slot) !== each.id) settle(each, { id: each.id });
    });
    for (const message of told) worker.postMessage({ told: message } satisfies ToThread);
    workers.add(worker);
  };
  const startAll = () => {
    if (workers.size === 0) for (let count = room(); count > 0; count--) start();
  };
  const end = async () => {
    for (const worker of workers) ended.set(worker, worker.terminate());
    workers.clear();
    await Promise.all(ended.values());
  };
  const onAbort = () => wake();
  signal?.addEventListener('abort', onAbort);
  const post = (message: ToThread) => {
    for (const worker of workers) worker.postMessage(message);
  };

  /** Waits until some task is settled. */
  const somethingSettled = () =>
    new Promise<void>((resolve) => {
      sleepers.push(resolve);
    });
  const wait = async (each: Begun): Promise<void> => {
    while (each.answer === undefined) {
      signal?.throwIfAborted();
      if (take(each)) {
        await each.doHere();
        continue;
      }
      const next = waiting.values().next().value;
      if (next === undefined) await somethingSettled();
      else if (take(next)) await next.doHere();
    }
  };

  return {
    tell(message) {
      told.push(message);
      post({ told: message });
    },
    rest() {
      told = [];
      void end();
    },
    start: startAll,
    begin(task, here, decode) {
      startAll();
      const slot = workers.size === 0 ? undefined : free.pop();
      if (slot === undefined) return { result: here };
      const id = ++lastId;
      let own: { readonly value: Awaited<ReturnType<typeof here>> } | undefined;
      const each: Begun = {
        id,
        slot,
        async doHere() {
          try {
            own = { value: await here() };
          } catch (error) {
            // Told to who wants it, by doing it again; but for what ends everything.
            signal?.throwIfAborted();
            void error;
          }
          settle(each, { id });
        },
      };
      Atomics.store(claims, slot, id);
      begun.set(id, each);
      waiting.add(each);
      post({ id, slot, task });
      return {
        async result() {
          await wait(each);
          if (own !== undefined) return own.value;
          return each.answer!.answer === undefined ? await here() : decode(each.answer!.answer as never);
        },
      };
    },
    async close() {
      signal?.removeEventListener('abort', onAbort);
      begun.clear();
      waiting.clear();
      await end();
    },
  };
}
