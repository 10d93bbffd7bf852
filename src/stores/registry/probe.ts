/** Whether what listens on a port of this machine speaks TLS. Nothing is said to it but a TLS greeting. */
import { nodeTls } from '../network.ts';
import { withoutBrackets } from './address.ts';
import { isNotTls } from './failure.ts';

/** Rejects with node's error when nothing listens there, or the reason of the abort. */
export function speaksTls(url: URL, timeoutMs: number, signal: AbortSignal | undefined): Promise<boolean> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = nodeTls().connect({
      host: withoutBrackets(url.hostname),
      port: Number(url.port || 443),
      // Whom it may be trusted to be is for the real connection to find out.
      rejectUnauthorized: false,
    });
    const onAbort = (): void => void socket.destroy(new Error('aborted'));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.setTimeout(timeoutMs, () =>
      socket.destroy(Object.assign(new Error('no answer to a TLS greeting'), { code: 'ETIMEDOUT' })),
    );
    socket.once('secureConnect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      if (signal?.aborted) reject(signal.reason);
      else if (isNotTls(error)) resolve(false);
      else reject(error);
    });
    socket.once('close', () => {
      signal?.removeEventListener('abort', onAbort);
      reject(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }));
    });
  });
}
