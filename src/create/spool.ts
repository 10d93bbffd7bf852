/**
 * A growing run of bytes that moves to a scratch file when it gets large, and a note of how far the layer was each time
 * it grew, so that streams can be interleaved in the order in which a reader will want them.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import { pushVarint } from '../bytes/varint.ts';

const BUFFER_BYTES = 1 << 16;
/** How closely the places are noted. */
const NOTE_EVERY_BYTES = 1 << 11;

export interface Spool {
  readonly sizeBytes: number;
  /** Appends bytes that are needed when `produced` bytes of the layer are there. */
  append(bytes: Uint8Array, produced: number): void;
  appendNumber(value: number, produced: number): void;
  /** All of it, after the last append. */
  content(): RandomAccess;
  /** How many bytes of the layer are there when the byte at `position` of the spool is needed, at the latest. */
  neededAt(position: number): number;
  close(): void;
}

export function openSpool(tempDirectory: string): Spool {
  const buffer = new Uint8Array(BUFFER_BYTES);
  const positions: number[] = [0];
  const places: number[] = [0];
  const number: number[] = [];
  let filled = 0;
  let file: TempFile | undefined;
  const size = () => (file?.sizeBytes ?? 0) + filled;
  const flush = () => {
    file ??= openTempFile(tempDirectory);
    file.append(buffer.subarray(0, filled));
    filled = 0;
  };
  const spool: Spool = {
    get sizeBytes() {
      return size();
    },
    append(bytes, produced) {
      if (size() - positions.at(-1)! >= NOTE_EVERY_BYTES) {
        positions.push(size());
        places.push(produced);
      }
      for (let at = 0; at < bytes.length; ) {
        if (filled === BUFFER_BYTES) flush();
        const count = Math.min(bytes.length - at, BUFFER_BYTES - filled);
        buffer.set(bytes.subarray(at, at + count), filled);
        filled += count;
        at += count;
      }
    },
    appendNumber(value, produced) {
      number.length = 0;
      pushVarint(number, value);
      spool.append(Uint8Array.from(number), produced);
    },
    content() {
      if (file === undefined) return inMemory(buffer.subarray(0, filled));
      if (filled > 0) flush();
      return file;
    },
    neededAt(position) {
      let low = 0;
      let high = positions.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (positions[middle]! <= position) low = middle;
        else high = middle - 1;
      }
      return places[low]!;
    },
    close() {
      file?.close();
    },
  };
  return spool;
}

function inMemory(bytes: Uint8Array): RandomAccess {
  return {
    sizeBytes: bytes.length,
    readAt: (position, into) => into.set(bytes.subarray(position, position + into.length)),
  };
}
