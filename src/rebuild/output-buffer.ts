/** A piece of output in the making: filled by ops, handed out when it is full, then used again. */
import { HEADER_BYTES } from '../predict/tar-header.ts';

export interface OutputBuffer {
  readonly free: number;
  readonly filled: number;
  /** What was filled and not handed out. */
  readonly waiting: Uint8Array;
  take(count: number): Uint8Array;
  /** What was filled; the buffer is then used again. */
  flush(): Uint8Array;
}

/** Memory for a piece of `size` bytes: `before`, which nobody uses any more, if it is enough. */
export function outputMemory(size: number, before?: Uint8Array): Uint8Array {
  const needed = Math.max(size, 2 * HEADER_BYTES);
  return before !== undefined && before.length >= needed ? before : new Uint8Array(needed);
}

/** Pieces are as large as `buffer`. */
export function outputBuffer(buffer: Uint8Array): OutputBuffer {
  let filled = 0;
  return {
    get free() {
      return buffer.length - filled;
    },
    get filled() {
      return filled;
    },
    get waiting() {
      return buffer.subarray(0, filled);
    },
    take(count) {
      filled += count;
      return buffer.subarray(filled - count, filled);
    },
    flush() {
      const piece = buffer.subarray(0, filled);
      filled = 0;
      return piece;
    },
  };
}

/** Makes `length` bytes of output; `fill` is given one part after the other, and where in the whole it begins. */
export async function* emit(
  out: OutputBuffer,
  length: number,
  fill: (part: Uint8Array, start: number) => Promise<void> | undefined,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; ) {
    if (out.free === 0) yield out.flush();
    const part = out.take(Math.min(out.free, length - done));
    const filling = fill(part, done);
    if (filling !== undefined) await filling;
    done += part.length;
  }
}
