/** The end of a file that grows by small pieces: they are gathered, as asking the system for each takes longer than they do. */

/** Pieces of more go to the file at once. */
const TAIL_BYTES = 1 << 15;

export interface Tail {
  /** What was appended. */
  readonly sizeBytes: number;
  /** What of it stands in the file. */
  readonly flushedBytes: number;
  append(bytes: Uint8Array): void;
  /** Has all stand in the file. */
  flush(): void;
  /** Goes on behind the first `sizeBytes`, where nothing waits. */
  cut(sizeBytes: number): void;
}

/** `write` puts all of `bytes` into the file, which is empty at first. */
export function openTail(write: (bytes: Uint8Array, position: number) => void): Tail {
  let waiting: Uint8Array | undefined;
  let waitingBytes = 0;
  let flushedBytes = 0;
  const put = (bytes: Uint8Array) => {
    write(bytes, flushedBytes);
    flushedBytes += bytes.length;
  };
  const flush = () => {
    if (waiting === undefined || waitingBytes === 0) return;
    put(waiting.subarray(0, waitingBytes));
    waitingBytes = 0;
  };
  return {
    get sizeBytes() {
      return flushedBytes + waitingBytes;
    },
    get flushedBytes() {
      return flushedBytes;
    },
    append(bytes) {
      if (waitingBytes + bytes.length > TAIL_BYTES) flush();
      if (bytes.length >= TAIL_BYTES) {
        put(bytes);
        return;
      }
      waiting ??= new Uint8Array(TAIL_BYTES);
      waiting.set(bytes, waitingBytes);
      waitingBytes += bytes.length;
    },
    flush,
    cut(sizeBytes) {
      flush();
      flushedBytes = sizeBytes;
    },
  };
}
