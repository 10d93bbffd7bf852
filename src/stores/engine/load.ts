/**
 * Streams an archive into `POST /images/load` as it is made, with backpressure. The archive is nothing to the engine
 * before its end was sent, so that destroying the request at any earlier time leaves no trace.
 */
import type { ClientRequest } from 'node:http';
import { DidiffError } from '../../errors.ts';
import { END_OF_ARCHIVE, encodeTarHeader, tarPadding } from '../../tar/encode.ts';
import { throwIfAborted } from './cancel.ts';
import { type Call, readText } from './client.ts';
import type { Engine } from './kind.ts';

const PIECE_BYTES = 256 << 10;
const MAX_LOAD_ANSWER_BYTES = 8 << 20;
/** An engine that has everything can't be stopped any more: this long an abort waits to see what comes of it. */
const GRACE_MS = 60_000;

/** A load under way. Its calls must not overlap. */
export interface Load {
  /** Bytes of the archive so far. */
  readonly sentBytes: number;
  /** Sends one file. Throws RESULT_MISMATCH when `pieces` aren't of the size that was announced. */
  putFile(
    path: string,
    sizeBytes: number,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void>;
  /** Sends the end, waits for the engine, and gives the IDs and names that it says it loaded. Throws what it reports. */
  finish(): Promise<readonly string[]>;
  /** Cuts the connection. Harmless after `finish`. */
  destroy(): void;
}

export function startLoad(engine: Engine, signal: AbortSignal | undefined): Load {
  const cut = cutOn(signal);
  const call: Call = {
    method: 'POST',
    path: '/images/load',
    query: { quiet: '1' },
    what: 'load the image',
    signal: cut.signal,
  };
  const { request, response } = engine.client.open(call, { 'content-type': 'application/x-tar' });
  const body = openBody(request);
  // Read as it comes: an engine that has something to say before it has everything has met an error.
  const answer = response.then(async (message) => {
    await engine.client.assertOk(call, message);
    return await readText(engine.client.endpoint, call, message, MAX_LOAD_ANSWER_BYTES);
  });
  answer.then(body.wake, body.wake);
  const send = async (bytes: Uint8Array): Promise<void> => {
    throwIfAborted(signal);
    if (await body.write(bytes)) return;
    parseLoadAnswer(engine, await answer);
    throw refused(engine, 'it ended the call before it had the whole image');
  };
  return {
    get sentBytes() {
      return body.sentBytes();
    },
    async putFile(path, sizeBytes, pieces) {
      await send(encodeTarHeader({ path, sizeBytes }));
      let left = sizeBytes;
      for await (const piece of pieces) {
        left -= piece.length;
        if (left < 0) break;
        await send(piece);
      }
      if (left !== 0) throw wrongSize(path, sizeBytes);
      await send(new Uint8Array(tarPadding(sizeBytes)));
    },
    async finish() {
      await send(END_OF_ARCHIVE);
      cut.delay();
      body.end();
      try {
        return parseLoadAnswer(engine, await answer);
      } finally {
        cut.stop();
      }
    },
    destroy() {
      cut.stop();
      request.destroy();
    },
  };
}

/** A signal that follows `signal` at once, or some time after it once `delay` was called; `stop` ends its following. */
function cutOn(signal: AbortSignal | undefined) {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let graceMs = 0;
  const onAbort = (): void => {
    const cut = (): void => controller.abort(signal?.reason);
    if (graceMs === 0) cut();
    else timer = setTimeout(cut, graceMs);
  };
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    delay(): void {
      graceMs = GRACE_MS;
    },
    stop(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

/** Gathers small pieces, and copies: what a caller reuses must not be in the socket's queue still. */
function openBody(request: ClientRequest) {
  let sent = 0;
  let gathered = Buffer.allocUnsafe(PIECE_BYTES);
  let length = 0;
  let isOver = false;
  let resume: (() => void) | undefined;
  const wake = (): void => {
    isOver = true;
    resume?.();
  };
  request.on('drain', () => resume?.());
  request.once('close', wake);

  async function flush(): Promise<void> {
    if (length === 0 || isOver) return;
    const full = gathered.subarray(0, length);
    gathered = Buffer.allocUnsafe(PIECE_BYTES);
    length = 0;
    if (request.write(full)) return;
    await new Promise<void>((resolve) => {
      resume = resolve;
    });
    resume = undefined;
  }

  return {
    wake,
    sentBytes: () => sent,
    /** False when the call is over and nothing more can be sent. */
    async write(bytes: Uint8Array): Promise<boolean> {
      for (let done = 0; done < bytes.length && !isOver; ) {
        const count = Math.min(bytes.length - done, PIECE_BYTES - length);
        gathered.set(bytes.subarray(done, done + count), length);
        length += count;
        done += count;
        if (length === PIECE_BYTES) await flush();
      }
      sent += bytes.length;
      return !isOver;
    },
    end(): void {
      request.end(gathered.subarray(0, length));
      length = 0;
    },
  };
}

/** The answer is a stream of JSON lines under status 200 even when the load failed. */
export function parseLoadAnswer(engine: Engine, text: string): readonly string[] {
  const loaded: string[] = [];
  for (const line of text.split('\n')) {
    const message = parseLine(line);
    const detail = message['errorDetail'] as Record<string, unknown> | undefined | null;
    const error = detail?.['message'] ?? message['error'];
    if (error !== undefined && error !== null) throw refused(engine, String(error));
    const { stream } = message;
    if (typeof stream !== 'string') continue;
    for (const [, name] of stream.matchAll(/Loaded image(?: ID)?(?:\(s\))?: *([^\s,]+)/g)) loaded.push(name!);
  }
  return loaded;
}

function parseLine(line: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(line);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function refused(engine: Engine, reason: string): DidiffError {
  const isFull = /no space left|quota exceeded/i.test(reason);
  return new DidiffError('STORAGE', `the engine at ${engine.address} could not load the image: ${reason}`, {
    hint: isFull
      ? "Free some space on the engine's disk, for instance with `docker system prune`."
      : 'The log of the engine may say more.',
    data: { address: engine.address, engineMessage: reason },
  });
}

function wrongSize(path: string, sizeBytes: number): DidiffError {
  return new DidiffError(
    'RESULT_MISMATCH',
    `${path} was announced with ${sizeBytes} bytes, but has not as many`,
  );
}
