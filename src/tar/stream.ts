/**
 * Reads a tar as it arrives, such as what an engine saves. Unlike the walker it takes only whole archives: a stream
 * that stops anywhere but after its end mark is an error, so that a broken connection is never taken for an image.
 */
import { corrupt, type DidiffError } from '../errors.ts';
import { type GlobalRecords, type HeaderResult, paddedBytes, parseHeader, type TarEntry } from './header.ts';
import { textOfName } from './name.ts';

/** An entry and its content as pieces. A piece is valid until the next is asked for. */
export interface StreamedTarEntry extends TarEntry {
  /** To be gone through at most once, before the next entry is asked for; what is left of it is then skipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Gives the entries of `source` in order; reads it to its end, and closes it when left early. Cancelling is the
 * source's: what it throws comes through. Throws CORRUPT_INPUT for a bad header or a stream that ends too soon.
 */
export async function* readTarStream(source: AsyncIterable<Uint8Array>): AsyncGenerator<StreamedTarEntry> {
  const input = openInput(source);
  const globals: GlobalRecords = new Map();
  try {
    for (;;) {
      const offset = input.offset();
      const result = await parseNext(input, globals);
      if (result.kind === 'end') break;
      if (result.kind === 'bad') throw corrupt(`the tar header at ${offset} ${result.reason}`);
      const { entry } = result;
      const content = readContent(input, entry);
      yield { ...entry, content };
      for await (const _ of content) {
        // What the caller left of the content is stepped over.
      }
      await input.skip(paddedBytes(entry.sizeBytes) - entry.sizeBytes);
    }
    await input.drain();
  } finally {
    await input.close();
  }
}

async function parseNext(input: Input, globals: GlobalRecords): Promise<HeaderResult> {
  const parser = parseHeader(input.offset(), globals);
  let step = parser.next();
  if (!(await input.hasMore())) throw tooShort(input, 'before the zero block that marks its end');
  while (!step.done) step = parser.next(await input.take(step.value));
  return step.value;
}

/** An iterator that can be entered again, unlike a generator's, which a `break` would close half-way. */
function readContent(input: Input, entry: TarEntry): AsyncIterable<Uint8Array> {
  let left = entry.sizeBytes;
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    if (left === 0) return { done: true, value: undefined };
    const piece = await input.takeSome(left);
    if (piece === undefined) {
      throw tooShort(input, `with ${left} of ${entry.sizeBytes} bytes of ${textOfName(entry.path)} missing`);
    }
    left -= piece.length;
    return { done: false, value: piece };
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

function tooShort(input: Input, where: string): DidiffError {
  return corrupt(`the tar stream ends at ${input.offset()}, ${where}`, {
    hint: 'It was cut off; try again.',
  });
}

type Input = ReturnType<typeof openInput>;

/** Takes bytes off a stream of pieces in the amounts asked for. */
function openInput(source: AsyncIterable<Uint8Array>) {
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
