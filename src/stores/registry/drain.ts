/**
 * The body of an answer as it comes. Node's own iterator drops what has arrived but was not read yet when a connection
 * ends early; here that is handed out first, so that it need not be fetched twice.
 */
import type { IncomingMessage } from 'node:http';

/** Beyond so much that nobody has taken, the connection is told to wait. */
const MAX_WAITING_BYTES = 1 << 20;

/** All pieces of `body`; throws node's error behind the last one when the connection ended early. */
export async function* drainBody(body: IncomingMessage): AsyncGenerator<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let ended: { readonly error?: Error } | undefined;
  let wake = (): void => {};
  const end = (error?: Error): void => {
    ended ??= error === undefined ? {} : { error };
    wake();
  };
  body.on('data', (piece: Uint8Array) => {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes > MAX_WAITING_BYTES) body.pause();
    wake();
  });
  body.once('end', () => end());
  body.once('error', end);
  const early = (): Error =>
    body.errored ?? Object.assign(new Error('the connection was closed early'), { code: 'ECONNRESET' });
  // After the end this says nothing new; before it, the connection is gone.
  body.once('close', () => end(early()));
  if (body.destroyed) end(early());
  try {
    for (;;) {
      const piece = waiting.shift();
      if (piece !== undefined) {
        waitingBytes -= piece.length;
        if (waitingBytes <= MAX_WAITING_BYTES / 2) body.resume();
        yield piece;
      } else if (ended === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if (ended.error === undefined) return;
      else throw ended.error;
    }
  } finally {
    body.destroy();
  }
}
