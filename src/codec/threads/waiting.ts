/** What comes on its own is taken one after the other by who waits for it. */

export interface Waiting<T> {
  put(item: T): void;
  /** The next item, in the order in which they were put. For one taker at a time. */
  take(): Promise<T>;
}

export function waiting<T>(first: readonly T[] = []): Waiting<T> {
  const items = [...first];
  let taker: ((item: T) => void) | undefined;
  return {
    put(item) {
      const give = taker;
      taker = undefined;
      if (give === undefined) items.push(item);
      else give(item);
    },
    take() {
      if (items.length > 0) return Promise.resolve(items.shift()!);
      return new Promise((resolve) => {
        taker = resolve;
      });
    },
  };
}
