/** Input cut into the fixed blocks that several encoders work on. */

/**
 * Cuts what is written into blocks; `buffer` from `start` on takes one. A full block is given to `full` only when
 * more bytes come, so that the last one can be ended differently; `rest` says how many bytes are left then.
 */
export function cutBlocks(
  buffer: Uint8Array,
  start: number,
  blockBytes: number,
  full: (size: number) => void,
): { write(bytes: Uint8Array): void; rest(): number } {
  let filled = 0;
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        if (filled === blockBytes) {
          full(filled);
          filled = 0;
        }
        const count = Math.min(bytes.length - at, blockBytes - filled);
        buffer.set(bytes.subarray(at, at + count), start + filled);
        filled += count;
        at += count;
      }
    },
    rest() {
      const count = filled;
      filled = 0;
      return count;
    },
  };
}
