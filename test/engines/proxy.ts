/** A socket before an engine's that counts what goes to it, and can cut every connection. */
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { RunningEngine } from './daemon.ts';

export interface CountingProxy {
  readonly host: string;
  /** Bytes sent to the engine since the start or the last `reset`. */
  sentBytes(): number;
  reset(): void;
  /** Ends every connection, as a network that fails would. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startProxy(engine: RunningEngine): Promise<CountingProxy> {
  let sent = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(engine.socket);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (piece) => {
      sent += piece.length;
    });
    client.pipe(upstream);
    upstream.pipe(client);
  });
  const path = join(engine.directory, `proxy-${process.pid}-${Date.now()}`);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: `unix://${path}`,
    sentBytes: () => sent,
    reset() {
      sent = 0;
    },
    cut,
    async stop() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
