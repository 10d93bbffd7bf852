/** Small answers, read whole and within a limit. */
import { corrupt, DidiffError } from '../../errors.ts';
import type { RegistryAnswer } from './answer.ts';
import type { RepositoryPlace } from './place.ts';

/** The body; `what` names it in errors. Throws LIMIT, CORRUPT_INPUT when it is packed, UNREACHABLE when it is cut. */
export async function readWhole(
  { connection }: RepositoryPlace,
  answer: RegistryAnswer,
  what: string,
  limitBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  assertPlain(answer, what);
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const piece of answer.body) {
      sizeBytes += (piece as Uint8Array).length;
      if (sizeBytes > limitBytes) break;
      pieces.push(piece as Uint8Array);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw connection.describeFailure(error);
  }
  signal?.throwIfAborted();
  if (sizeBytes <= limitBytes) return Buffer.concat(pieces);
  throw new DidiffError('LIMIT', `${what} is larger than ${limitBytes} bytes`);
}

/** Bytes that were packed for the way are not those that have the digest; none were asked for. */
export function assertPlain({ headers, body }: RegistryAnswer, what: string): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity' || encoding === '') return;
  body.destroy();
  throw corrupt(`${what} comes packed (${encoding}), though it was asked for as it is`, {
    hint: 'A proxy on the way may change answers; go around it with NO_PROXY.',
  });
}
