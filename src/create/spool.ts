/**
 * A growing run of bytes that moves to a scratch file when it gets large, and a note of how far the layer was each time
 * it grew, so that streams can be interleaved in the order in which a reader will want them.
 */
import { bytesAccess, type RandomAccess } from '../bytes/access.ts';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import { MAX_VARINT_BYTES } from '../bytes/varint.ts';

const BUFFER_BYTES = 1 << 16;
/** How closely the places are noted. */
const NOTE_EVERY_BYTES = 1 << 11;

export interface Spool {
  readonly sizeBytes: number;
  /** Appends bytes that are needed when `produced` bytes of the layer are there. */
  append(bytes: Uint8Array, produced: number): void;
  appendByte(byte: number, produced: number): void;
  /** As a variable-length integer. */
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
  let filled = 0;
  let file: TempFile | undefined;
  /** Bytes that are in the file. */
  let written = 0;
  let noteFrom = NOTE_EVERY_BYTES;
  const flush = () => {
    file ??= openTempFile(tempDirectory);
    file.append(buffer.subarray(0, filled));
    written += filled;
    filled = 0;
  };
  const note = (produced: number) => {
    const position = written + filled;
    if (position < noteFrom) return;
    noteFrom = position + NOTE_EVERY_BYTES;
    positions.push(position);
    places.push(produced);
  };
  const spool: Spool = {
    get sizeBytes() {
      return written + filled;
    },
    append(bytes, produced) {
      note(produced);
      for (let at = 0; at < bytes.length; ) {
        if (filled === BUFFER_BYTES) flush();
        const count = Math.min(bytes.length - at, BUFFER_BYTES - filled);
        buffer.set(at === 0 && count === bytes.length ? bytes : bytes.subarray(at, at + count), filled);
        filled += count;
        at += count;
      }
    },
    appendByte(byte, produced) {
      note(produced);
      if (filled === BUFFER_BYTES) flush();
      buffer[filled++] = byte;
    },
    appendNumber(value, produced) {
      note(produced);
      // What no longer fits is begun in an empty buffer: files take what there is.
      if (filled + MAX_VARINT_BYTES > BUFFER_BYTES) flush();
      let rest = value;
      for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) buffer[filled++] = (rest % 0x80) | 0x80;
      buffer[filled++] = rest;
    },
    content() {
      if (file === undefined) return bytesAccess(buffer.subarray(0, filled));
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
