/**
 * Reads a tar as it arrives, such as what an engine saves. Unlike the walker it takes only whole archives: a stream
 * that stops anywhere but after its end mark is an error, so that a broken connection is never taken for an image.
 */
import { corrupt, type DidiffError } from '../errors.ts';
import { type GlobalRecords, type HeaderResult, paddedBytes, parseHeader, type TarEntry } from './header.ts';
import { openTarInput, type TarInput } from './input.ts';
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
  const input = openTarInput(source);
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

async function parseNext(input: TarInput, globals: GlobalRecords): Promise<HeaderResult> {
  const parser = parseHeader(input.offset(), globals);
  let step = parser.next();
  if (!(await input.hasMore())) throw tooShort(input, 'before the zero block that marks its end');
  while (!step.done) step = parser.next(await input.take(step.value));
  return step.value;
}

/** An iterator that can be entered again, unlike a generator's, which a `break` would close half-way. */
function readContent(input: TarInput, entry: TarEntry): AsyncIterable<Uint8Array> {
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

function tooShort(input: TarInput, where: string): DidiffError {
  return corrupt(`the tar stream ends at ${input.offset()}, ${where}`, {
    hint: 'It was cut off; try again.',
  });
}
