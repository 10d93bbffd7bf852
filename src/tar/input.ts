/** The bytes of a tar that arrives in pieces of any size, taken in the amounts that its headers call for. */

export type TarInput = ReturnType<typeof openTarInput>;

/** Takes bytes off a stream of pieces in the amounts asked for. */
export function openTarInput(source: AsyncIterable<Uint8Array>) {
  const iterator = source[Symbol.asyncIterator]();
  let piece: Uint8Array = new Uint8Array(0);
  let consumed = 0;
  let ended = false;

  async function hasMore(): Promise<boolean> {
    while (piece.length === 0 && !ended) {
      const step = await iterator.next();
      if (step.done) ended = true;
      else piece = step.value;
    }
    return piece.length > 0;
  }

  async function takeSome(limit: number): Promise<Uint8Array | undefined> {
    if (!(await hasMore())) return undefined;
    const some = piece.subarray(0, limit);
    piece = piece.subarray(some.length);
    consumed += some.length;
    return some;
  }

  return {
    hasMore,
    takeSome,
    offset: () => consumed,
    /** Exactly `length` bytes, or undefined when the stream ends before. */
    async take(length: number): Promise<Uint8Array | undefined> {
      const first = await takeSome(length);
      if (first === undefined || first.length === length) return first;
      const all = new Uint8Array(length);
      all.set(first);
      for (let done = first.length; done < length; ) {
        const some = await takeSome(length - done);
        if (some === undefined) return undefined;
        all.set(some, done);
        done += some.length;
      }
      return all;
    },
    /** Steps over `length` bytes, or fewer when the stream ends: a lone missing padding is found at the next header. */
    async skip(length: number): Promise<void> {
      for (let left = length; left > 0; ) {
        const some = await takeSome(left);
        if (some === undefined) return;
        left -= some.length;
      }
    },
    /** Reads what follows the end mark, so that the connection can be used again. */
    async drain(): Promise<void> {
      while ((await takeSome(Number.MAX_SAFE_INTEGER)) !== undefined);
    },
    async close(): Promise<void> {
      if (ended) return;
      ended = true;
      await iterator.return?.();
    },
  };
}
