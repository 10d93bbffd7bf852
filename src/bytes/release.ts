/**
 * Gives memory back at once. Buffers outside of the heap put no pressure on the garbage collector, so that tens of
 * megabytes that nobody can reach any more would stay until long after they are needed elsewhere.
 */

/** Frees the memory behind `arrays`, which are empty afterwards; no two may share a buffer. */
export function releaseMemory(arrays: readonly { readonly buffer: ArrayBufferLike }[]): void {
  const buffers = arrays
    .map(({ buffer }) => buffer)
    .filter((buffer) => buffer instanceof ArrayBuffer && buffer.byteLength > 0);
  if (buffers.length === 0) return;
  const { port1, port2 } = new MessageChannel();
  // A transferred buffer belongs to its message, and a message that can't be delivered is freed.
  port1.postMessage(undefined, buffers as ArrayBuffer[]);
  port1.close();
  port2.close();
}
