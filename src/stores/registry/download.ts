/**
 * Blobs as streams. A stream that is cut goes on by range where it was (RFC 9110, 14), also from another server after a
 * redirect, as long as each attempt brings something. Guards that no more than the named size is taken, and that the
 * whole is proved by its digest.
 */
import { type RunningDigest, startDigest } from '../../bytes/digest.ts';
import { corrupt } from '../../errors.ts';
import { type RegistryAnswer, readBeginning } from './answer.ts';
import { drainBody } from './drain.ts';
import { apiPath, type BlobName, pullScope, type ReadBlobOptions, type RepositoryPlace } from './place.ts';
import { backoffMs, isTransientError, wait } from './retry.ts';
import { assertPlain } from './whole.ts';

const MAX_SKIPPED_BYTES = 64 << 10;

/** See `Repository.readBlob`. */
export async function* readBlob(
  place: RepositoryPlace,
  blob: BlobName,
  { startBytes = 0, digest: given, nextBytes, signal }: ReadBlobOptions = {},
): AsyncGenerator<Uint8Array> {
  const digest: RunningDigest = given ?? startDigest();
  if (digest.sizeBytes !== startBytes) {
    throw new RangeError(`the digest has seen ${digest.sizeBytes} bytes; expected ${startBytes}`);
  }
  const { retry } = place.connection;
  let position = startBytes;
  let failures = 0;
  while (position < blob.sizeBytes) {
    const before = position;
    const end = Math.min(blob.sizeBytes, position + (nextBytes?.() ?? blob.sizeBytes));
    try {
      for await (const piece of readFrom(place, blob, position, end, signal)) {
        digest.update(piece);
        position += piece.length;
        yield piece;
      }
      if (position < end) throw endedEarly();
    } catch (error) {
      signal?.throwIfAborted();
      failures = position > before ? 1 : failures + 1;
      if (!isTransientError(error) || failures >= retry.attempts)
        throw place.connection.describeFailure(error);
      await wait(backoffMs(retry, failures), signal);
    }
  }
  const found = digest.finish();
  if (found === blob.digest) return;
  throw corrupt(`the blob ${blob.digest} of ${place.name} is damaged on its way: its digest is ${found}`, {
    hint: 'Fetch it again; if that does not help, the registry or a proxy changes it.',
    data: { digest: blob.digest, found },
  });
}

function endedEarly(): Error {
  return Object.assign(new Error('the connection was closed early'), { code: 'ECONNRESET' });
}

/**
 * What comes of one request: the bytes from `position` to `end`, maybe not all of them, or more where the server knows no
 * ranges. Throws node's errors as they are.
 */
async function* readFrom(
  place: RepositoryPlace,
  blob: BlobName,
  position: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const what = `the blob ${blob.digest} of ${place.name}`;
  const answer = await place.connection.call({
    path: apiPath(place, `blobs/${blob.digest}`),
    what: `read ${what}`,
    scopes: pullScope(place),
    headers: position === 0 && end === blob.sizeBytes ? {} : { range: `bytes=${position}-${end - 1}` },
    expect: [416],
    signal,
  });
  assertPlain(answer, what);
  let skip = await startOf(answer, blob, position, what);
  let left = blob.sizeBytes - position;
  for await (const whole of drainBody(answer.body)) {
    const piece = whole.subarray(skip);
    skip -= whole.length - piece.length;
    if (piece.length > left) throw tooLong(blob, what);
    left -= piece.length;
    if (piece.length > 0) yield piece;
  }
}

/** How many bytes of the answer are here already. A server that doesn't know ranges sends all of it again. */
async function startOf(
  answer: RegistryAnswer,
  blob: BlobName,
  position: number,
  what: string,
): Promise<number> {
  const { status, headers } = answer;
  if (status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
    const isRight =
      range !== null &&
      Number(range[1]) === position &&
      (range[3] === '*' || Number(range[3]) === blob.sizeBytes);
    if (isRight) return 0;
    answer.body.destroy();
    throw corrupt(`${what}: asked for bytes from ${position} of ${blob.sizeBytes} on, others came`, {
      hint: 'The registry, or a proxy on the way, is wrong about ranges.',
    });
  }
  if (status === 416) {
    await readBeginning(answer, MAX_SKIPPED_BYTES);
    throw corrupt(`${what} ends before byte ${position}; expected ${blob.sizeBytes} bytes`);
  }
  const length = headers['content-length'];
  if (length === undefined || Number(length) === blob.sizeBytes) return position;
  answer.body.destroy();
  throw corrupt(`${what} has ${length} bytes; expected ${blob.sizeBytes}`, {
    hint: 'What names it, or the registry, is wrong about it.',
  });
}

function tooLong(blob: BlobName, what: string): Error {
  return corrupt(`${what} goes on behind its ${blob.sizeBytes} bytes`);
}
