/**
 * Blobs on their way into a repository (distribution spec: push). Small ones go in one request, others in chunks. After a
 * cut the registry is asked how much it has; where it has given up the upload, it starts again. Nothing is there under the
 * digest before the registry itself has compared it.
 */
import { type RandomAccess, readRange } from '../../bytes/access.ts';
import type { Digest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import { proveDigest } from '../layer-content.ts';
import { type RegistryAnswer, readBeginning } from './answer.ts';
import { errorCodes } from './failure.ts';
import { apiPath, type CallOptions, pullScope, pushScope, type RepositoryPlace } from './place.ts';
import { backoffMs, wait } from './retry.ts';

/** What one request carries, and a cut may cost, unless the registry wants more at a time. */
const CHUNK_BYTES = 4 << 20;
/** A chunk is held in memory. */
const MAX_CHUNK_BYTES = 64 << 20;
const MAX_SKIPPED_BYTES = 64 << 10;
const BINARY = { 'content-type': 'application/octet-stream' } as const;

/** See `Repository.findBlobSize`. */
export async function findBlobSize(
  place: RepositoryPlace,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<number | undefined> {
  const answer = await place.connection.call({
    method: 'HEAD',
    path: apiPath(place, `blobs/${digest}`),
    what: `look for the blob ${digest} in ${place.name}`,
    scopes: pullScope(place),
    expect: [404],
    signal,
  });
  answer.body.resume();
  return answer.status === 404 ? undefined : Number(answer.headers['content-length'] ?? 0);
}

/** See `Repository.mountBlob`. */
export async function mountBlob(
  place: RepositoryPlace,
  digest: Digest,
  from: string,
  { signal }: CallOptions = {},
): Promise<boolean> {
  if (from === place.repository) return false;
  const query = new URLSearchParams({ mount: digest, from });
  const answer = await place.connection.call({
    method: 'POST',
    path: apiPath(place, `blobs/uploads/?${query}`),
    what: `take the blob ${digest} over from ${from} into ${place.name}`,
    scopes: [...pushScope(place), `repository:${from}:pull`],
    headers: { 'content-length': '0' },
    // A refusal is no failure: the blob is uploaded then.
    expect: [400, 401, 403, 404, 405],
    signal,
  });
  await readBeginning(answer, MAX_SKIPPED_BYTES);
  if (answer.status === 202) await giveUp(place, place.connection.locationOf(answer), signal);
  return answer.status === 201;
}

/** See `Repository.uploadBlob`. */
export async function uploadBlob(
  place: RepositoryPlace,
  digest: Digest,
  content: RandomAccess,
  { signal }: CallOptions = {},
): Promise<void> {
  const { retry } = place.connection;
  let furthest = 0;
  let failures = 0;
  for (;;) {
    const upload: Upload = { place, digest, content, signal, ...(await start(place, signal)), sent: 0 };
    try {
      await sendChunks(upload);
      await finish(upload);
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof DidiffError && error.code === 'UNREACHABLE') {
        // The last answer may have been lost, and the blob be there.
        if ((await findBlobSize(place, digest, { signal })) === content.sizeBytes) return;
        failures = upload.sent > furthest ? 1 : failures + 1;
        furthest = Math.max(furthest, upload.sent);
        if (failures < retry.attempts) {
          await wait(backoffMs(retry, failures), signal);
          continue;
        }
      }
      await giveUp(place, upload.location, signal);
      throw error;
    }
  }
}

interface Upload {
  readonly place: RepositoryPlace;
  readonly digest: Digest;
  readonly content: RandomAccess;
  readonly signal: AbortSignal | undefined;
  readonly chunkBytes: number;
  /** Where the next request goes; every answer names it anew. */
  location: URL;
  /** Bytes that the registry has. */
  sent: number;
}

async function start(
  place: RepositoryPlace,
  signal: AbortSignal | undefined,
): Promise<Pick<Upload, 'location' | 'chunkBytes'>> {
  const answer = await place.connection.call({
    method: 'POST',
    path: apiPath(place, 'blobs/uploads/'),
    what: `start an upload to ${place.name}`,
    scopes: pushScope(place),
    headers: { 'content-length': '0' },
    signal,
  });
  await readBeginning(answer, MAX_SKIPPED_BYTES);
  const least = Number(answer.headers['oci-chunk-min-length'] ?? 0);
  const chunkBytes = least > CHUNK_BYTES ? Math.min(least, MAX_CHUNK_BYTES) : CHUNK_BYTES;
  return { location: place.connection.locationOf(answer), chunkBytes };
}

/** All but what fits into the request that ends the upload. */
async function sendChunks(upload: Upload): Promise<void> {
  const { place, content } = upload;
  const { retry } = place.connection;
  let failures = 0;
  while (content.sizeBytes - upload.sent > upload.chunkBytes) {
    const before = upload.sent;
    try {
      await sendChunk(upload);
      failures = 0;
    } catch (error) {
      upload.signal?.throwIfAborted();
      failures++;
      const isPassing = error instanceof DidiffError && error.code === 'UNREACHABLE';
      if (!isPassing || failures >= retry.attempts) throw error;
      await wait(backoffMs(retry, failures), upload.signal);
      if (!(await askProgress(upload))) throw error;
      if (upload.sent > before) failures = 0;
    }
  }
}

async function sendChunk(upload: Upload): Promise<void> {
  const { place, content, sent, signal } = upload;
  const body = readRange(content, sent, upload.chunkBytes, MAX_CHUNK_BYTES);
  const answer = await place.connection.call({
    method: 'PATCH',
    path: upload.location,
    what: whatOf(upload),
    scopes: pushScope(place),
    headers: { ...BINARY, 'content-range': `${sent}-${sent + body.length - 1}` },
    body,
    expect: [404, 416],
    isRepeatable: false,
    signal,
  });
  await readBeginning(answer, MAX_SKIPPED_BYTES);
  if (answer.status === 404) throw lost(upload, 'the registry has forgotten the upload');
  if (answer.status === 416) {
    // Some of it is there from before; the answer says how much.
    takeProgress(upload, answer);
    if (upload.sent === sent) throw lost(upload, 'the registry refuses the next chunk');
    return;
  }
  upload.location = place.connection.locationOf(answer);
  upload.sent = sent + body.length;
}

/** Asks how much arrived; false when the registry has given the upload up. */
async function askProgress(upload: Upload): Promise<boolean> {
  const { place, signal } = upload;
  const answer = await place.connection.call({
    path: upload.location,
    what: whatOf(upload),
    scopes: pushScope(place),
    expect: [400, 404, 405, 416],
    signal,
  });
  await readBeginning(answer, MAX_SKIPPED_BYTES);
  if (answer.status >= 400) return false;
  takeProgress(upload, answer);
  return true;
}

function takeProgress(upload: Upload, answer: RegistryAnswer): void {
  if (answer.headers.location !== undefined) upload.location = upload.place.connection.locationOf(answer);
  // `0-N`: N is the last byte's place. Nothing at all is written as `0-0` by some, so one byte counts as none.
  const last = Number(/^(?:bytes=)?0-(\d{1,15})$/.exec(String(answer.headers['range'] ?? ''))?.[1] ?? 0);
  const sent = last === 0 ? 0 : last + 1;
  if (sent <= upload.content.sizeBytes) upload.sent = sent;
  else throw lost(upload, `the registry has ${sent} bytes of ${upload.content.sizeBytes}`);
}

async function finish(upload: Upload): Promise<void> {
  const { place, content, sent, digest, signal } = upload;
  const url = new URL(upload.location);
  url.searchParams.set('digest', digest);
  const body = readRange(content, sent, content.sizeBytes - sent, MAX_CHUNK_BYTES);
  const range = sent > 0 && body.length > 0 ? { 'content-range': `${sent}-${sent + body.length - 1}` } : {};
  const answer = await place.connection.call({
    method: 'PUT',
    path: url,
    what: whatOf(upload),
    scopes: pushScope(place),
    headers: { ...BINARY, ...range },
    body,
    expect: [400, 404, 416],
    isRepeatable: false,
    signal,
  });
  const said = errorCodes(await readBeginning(answer, MAX_SKIPPED_BYTES));
  if (said.includes('DIGEST_INVALID')) {
    // Either it was never right, or it was damaged on its way, and may come through next time.
    await proveDigest(content, digest, `what is to be the blob ${digest}`, signal);
    throw lost(upload, 'it was damaged on its way');
  }
  if (answer.status >= 400) throw lost(upload, `the registry answers ${answer.status} ${said.join(' ')}`);
}

/** Lets the registry forget an upload; it would by itself, some day. */
async function giveUp(place: RepositoryPlace, location: URL, signal: AbortSignal | undefined): Promise<void> {
  try {
    const answer = await place.connection.call({
      method: 'DELETE',
      path: location,
      what: `end an upload to ${place.name}`,
      scopes: pushScope(place),
      expect: [400, 401, 403, 404, 405],
      isRepeatable: false,
      signal,
    });
    await readBeginning(answer, MAX_SKIPPED_BYTES);
  } catch {
    // Nobody waits for it.
  }
}

function whatOf({ place, digest }: Upload): string {
  return `upload the blob ${digest} to ${place.name}`;
}

function lost(upload: Upload, reason: string): DidiffError {
  return new DidiffError('UNREACHABLE', `could not ${whatOf(upload)}: ${reason}`, {
    hint: 'Try again.',
  });
}
