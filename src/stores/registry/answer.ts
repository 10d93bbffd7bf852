/** An answer of a registry, or of whom it leads to, and the reading of its body. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Exchange, Wire } from './wire.ts';

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Where it came from, after redirects. */
  readonly url: URL;
  /** To be read to its end, or destroyed. */
  readonly body: IncomingMessage;
}

export async function exchangeOnce(wire: Wire, exchange: Exchange): Promise<RegistryAnswer> {
  const body = await wire.exchange(exchange);
  return { status: body.statusCode ?? 0, headers: body.headers, url: exchange.url, body };
}

/** At most `limitBytes` of a body; what is behind is dropped with the connection. A cut ends it: this is for errors. */
export async function readBeginning({ body }: RegistryAnswer, limitBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const piece of body) {
      pieces.push(piece as Uint8Array);
      sizeBytes += (piece as Uint8Array).length;
      if (sizeBytes >= limitBytes) break;
    }
  } catch {
    // What there is of an error's text will do.
  }
  return Buffer.concat(pieces).subarray(0, limitBytes);
}
