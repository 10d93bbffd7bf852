/**
 * The central directory of a zip archive, closed and plain. In the plain form each offset is counted from the end of the
 * data of the entry before, so that a change of one entry's size changes nothing behind it; and what follows from entries
 * that are opened themselves is left out. Streams; holds one record at a time.
 */
import type { ByteSink } from '../deflate/bits.ts';
import { readUint16, readUint32, writeUint32 } from './little-endian.ts';
import {
  END_BYTES,
  END_DIRECTORY_BYTES,
  END_DIRECTORY_OFFSET,
  END_SIGNATURE,
  encodeSums,
  RECORD_BYTES,
  RECORD_CHECKSUM,
  RECORD_COMPRESSED,
  RECORD_OFFSET,
  RECORD_SIGNATURE,
  SUMS_BYTES,
  type Sums,
} from './zip.ts';

export interface DirectoryStream {
  write(bytes: Uint8Array): void;
  /** Hands out what was held of a record that did not come to its end. */
  finish(): void;
}

/** From closed to plain: `isOpened` tells, by its offset in the archive, whether an entry is opened. */
export function plainDirectory(isOpened: (offset: number) => boolean, sink: ByteSink): DirectoryStream {
  let before = 0;
  return directoryStream(
    sink,
    (record) => {
      const offset = readUint32(record, RECORD_OFFSET);
      writeUint32(record, RECORD_OFFSET, offset - before);
      before = offset + readUint32(record, RECORD_COMPRESSED);
      if (isOpened(offset)) record.fill(0, RECORD_CHECKSUM, RECORD_CHECKSUM + SUMS_BYTES);
    },
    (end) => end.fill(0, END_DIRECTORY_BYTES, END_DIRECTORY_OFFSET + 4),
  );
}

/** From plain to closed: `sumsAt` gives what is known of an entry by its offset, `startsAt` is the directory's own. */
export function closedDirectory(
  sumsAt: (offset: number) => Sums | undefined,
  startsAt: number,
  sink: ByteSink,
): DirectoryStream {
  let before = 0;
  return directoryStream(
    sink,
    (record) => {
      const offset = (readUint32(record, RECORD_OFFSET) + before) % 2 ** 32;
      writeUint32(record, RECORD_OFFSET, offset);
      const sums = sumsAt(offset);
      if (sums !== undefined) record.set(encodeSums(sums), RECORD_CHECKSUM);
      before = offset + readUint32(record, RECORD_COMPRESSED);
    },
    (end, directoryBytes) => {
      writeUint32(end, END_DIRECTORY_BYTES, directoryBytes);
      writeUint32(end, END_DIRECTORY_OFFSET, startsAt);
    },
  );
}

/** Changes records, and the end record behind them, in place; passes everything after these on as it is. */
function directoryStream(
  sink: ByteSink,
  onRecord: (record: Uint8Array) => void,
  onEnd: (end: Uint8Array, directoryBytes: number) => void,
): DirectoryStream {
  let held: Uint8Array = new Uint8Array(0);
  let directoryBytes = 0;
  let isOver = false;
  return {
    write(bytes) {
      // A copy, as records are changed in place; a Buffer's own `slice` would be none.
      held = Buffer.concat([held, bytes]);
      let at = 0;
      while (!isOver) {
        const size = partBytes(held.subarray(at));
        if (size === undefined) break;
        const part = held.subarray(at, at + size);
        if (readUint32(part, 0) === RECORD_SIGNATURE) {
          onRecord(part);
          directoryBytes += size;
        } else {
          isOver = true;
          if (size > 0) onEnd(part, directoryBytes);
        }
        at += size;
      }
      if (isOver) at = held.length;
      if (at > 0) sink(held.subarray(0, at));
      held = held.subarray(at);
    },
    finish() {
      if (held.length > 0) sink(held);
    },
  };
}

/** Bytes of the record that `bytes` begin with; 0 when they begin with none, undefined when they end too early to tell. */
function partBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length < 4) return undefined;
  const signature = readUint32(bytes, 0);
  if (signature === END_SIGNATURE) return bytes.length < END_BYTES ? undefined : END_BYTES;
  if (signature !== RECORD_SIGNATURE) return 0;
  if (bytes.length < RECORD_BYTES) return undefined;
  const size = RECORD_BYTES + readUint16(bytes, 28) + readUint16(bytes, 30) + readUint16(bytes, 32);
  return bytes.length < size ? undefined : size;
}
