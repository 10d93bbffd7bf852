/** A line to a registry that counts what goes over it, and can be made bad: cut, slow, late, or not true to each byte. */
import { connect, createServer, type Socket } from 'node:net';

/** What happens to what comes from the registry, for each connection anew unless said otherwise. */
export interface Faults {
  /** A connection is cut after so many bytes of it. */
  readonly cutAfterBytes?: number;
  /** The same for what goes to the registry. */
  readonly cutSentAfterBytes?: number;
  /** How many connections are cut at most; then the line is good. */
  readonly cuts?: number;
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
  /** In each stretch of so many bytes of a connection's answers, the last is another one. */
  readonly corruptEvery?: number;
  /** How many bytes that happens to at most. */
  readonly corruptions?: number;
}

export interface BadLine {
  readonly host: string;
  readonly port: number;
  set(faults: Faults): void;
  /** Ends every connection now. */
  cut(): void;
  /** Since the start or the last `reset`. */
  receivedBytes(): number;
  sentBytes(): number;
  connections(): number;
  reset(): void;
  stop(): Promise<void>;
}

export async function startBadLine(toPort: number): Promise<BadLine> {
  let faults: Faults = {};
  let [received, sent, connections, cuts, corruptions] = [0, 0, 0, 0, 0];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    connections++;
    const upstream = connect(toPort, '127.0.0.1');
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        if (socket === client) end();
        else client.end();
      });
    }
    const mayCut = (limit: number | undefined, seen: number): boolean => {
      if (limit === undefined || seen < limit || cuts >= (faults.cuts ?? Number.POSITIVE_INFINITY))
        return false;
      cuts++;
      end();
      return true;
    };
    let went = 0;
    client.on('data', (piece) => {
      sent += piece.length;
      went += piece.length;
      if (mayCut(faults.cutSentAfterBytes, went)) return;
      if (!upstream.write(piece)) {
        client.pause();
        upstream.once('drain', () => client.resume());
      }
    });
    let came = 0;
    upstream.on('data', async (piece: Buffer) => {
      const { corruptEvery = Number.POSITIVE_INFINITY, cutAfterBytes, delayMs = 0, bytesPerSecond } = faults;
      const at = corruptEvery - 1 - (came % corruptEvery);
      if (at < piece.length && corruptions < (faults.corruptions ?? Number.POSITIVE_INFINITY)) {
        corruptions++;
        piece[at]! ^= 0x20;
      }
      const isGood = cutAfterBytes === undefined || cuts >= (faults.cuts ?? Number.POSITIVE_INFINITY);
      const room = isGood ? Number.POSITIVE_INFINITY : cutAfterBytes - came;
      came += piece.length;
      upstream.pause();
      const pauseMs = delayMs + (bytesPerSecond === undefined ? 0 : (piece.length / bytesPerSecond) * 1000);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const passed = piece.subarray(0, Math.min(piece.length, Math.max(0, room)));
      received += passed.length;
      if (!client.destroyed) {
        await new Promise<void>((resolve) => client.write(passed, () => resolve()));
      }
      if (mayCut(cutAfterBytes, came)) return;
      upstream.resume();
    });
    upstream.on('end', () => client.end());
    client.on('end', () => upstream.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: `127.0.0.1:${port}`,
    port,
    set(next) {
      faults = next;
      cuts = 0;
      corruptions = 0;
    },
    cut,
    receivedBytes: () => received,
    sentBytes: () => sent,
    connections: () => connections,
    reset() {
      [received, sent, connections] = [0, 0, 0];
    },
    async stop() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
