/** One stream of a layer as plain bytes that are read in small numbers: a window that is refilled when it runs low. */
import { type Cursor, readVarint } from '../bytes/varint.ts';
import type { StreamDecoder } from '../codec/stream-decoder.ts';
import { corrupt } from '../errors.ts';

export interface PlainReader extends Cursor {
  /** Bytes that can be read without waiting. */
  readonly available: number;
  /** Whether `available` is all there will be. */
  readonly ended: boolean;
  /** Bytes read so far. */
  readonly takenBytes: number;
  /** Waits until `count` bytes are available or the stream has ended. */
  ensure(count: number): Promise<void>;
  /** Throws CORRUPT_INPUT unless everything was read. */
  assertEnd(): Promise<void>;
}

/** `plainBytes` is the most the stream may give. The reader doesn't close its decoder. */
export function plainReader(decoder: StreamDecoder, plainBytes: number, what: string): PlainReader {
  let bytes: Uint8Array = new Uint8Array(0);
  let position = 0;
  let ended = false;
  let total = 0;
  const refill = async () => {
    const piece = await decoder.next();
    if (piece === undefined) {
      ended = true;
      if (total !== plainBytes)
        throw corrupt(`${what} ends after ${total} bytes; ${plainBytes} were expected`);
      return;
    }
    total += piece.length;
    if (total > plainBytes) throw corrupt(`${what} gives more than the ${plainBytes} bytes it should`);
    bytes = position === bytes.length ? piece : Buffer.concat([bytes.subarray(position), piece]);
    position = 0;
  };
  return {
    get bytes() {
      return bytes;
    },
    get position() {
      return position;
    },
    set position(value) {
      position = value;
    },
    get available() {
      return bytes.length - position;
    },
    get ended() {
      return ended;
    },
    get takenBytes() {
      return total - (bytes.length - position);
    },
    async ensure(count) {
      while (bytes.length - position < count && !ended) await refill();
    },
    async assertEnd() {
      while (bytes.length === position && !ended) await refill();
      if (bytes.length > position) throw corrupt(`${what} goes on after the layer is complete`);
    },
  };
}

/** Whether a number may have to be waited for. */
export function isLow(reader: PlainReader, count: number): boolean {
  return reader.available < count && !reader.ended;
}

/** Reads a number that `ensure` has made available. */
export function takeNumber(reader: PlainReader, what: string): number {
  return readVarint(reader, what);
}
