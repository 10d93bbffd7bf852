/** Manifests and indexes of a repository: read and proved, written, deleted (distribution spec: manifests). */
import { type Digest, isDigest, sha256 } from '../../bytes/digest.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import { MAX_MANIFEST_BYTES, mediaTypeOf, type RawDocument } from '../../image/manifest.ts';
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  isIndexType,
  isManifestType,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../../image/media-types.ts';
import { type RegistryAnswer, readBeginning } from './answer.ts';
import { apiPath, type CallOptions, pullScope, pushScope, type RepositoryPlace } from './place.ts';
import { readWhole } from './whole.ts';

export interface StoredManifest {
  readonly document: RawDocument;
  /** What the registry calls this version of it, for `ifMatch`. */
  readonly etag?: string | undefined;
}

export interface PutOptions extends CallOptions {
  /** Store only over this version, or only where nothing is. Registries may ignore it. */
  readonly ifMatch?: { readonly etag: string } | 'absent' | undefined;
}

export interface PutResult {
  /** Another version is there; nothing was stored. */
  readonly isConflict: boolean;
  /** The registry lists it as a referrer of its subject: the referrers API is there. */
  readonly listsReferrer: boolean;
}

const ACCEPTED = [OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST].join(', ');
const MAX_SKIPPED_BYTES = 64 << 10;

export async function findManifest(
  place: RepositoryPlace,
  reference: string,
  { signal }: CallOptions = {},
): Promise<StoredManifest | undefined> {
  const answer = await place.connection.call({
    path: apiPath(place, `manifests/${reference}`),
    what: `read ${nameOf(place, reference)}`,
    scopes: pullScope(place),
    headers: { accept: ACCEPTED },
    expect: [404],
    signal,
  });
  if (answer.status === 404) {
    await readBeginning(answer, MAX_SKIPPED_BYTES);
    return undefined;
  }
  const what = `the manifest ${nameOf(place, reference)}`;
  const bytes = await readWhole(place, answer, what, MAX_MANIFEST_BYTES, signal);
  const digest = sha256(bytes);
  if (isDigest(reference) && digest !== reference) {
    throw corrupt(`${what} is damaged: its digest is ${digest}`, { hint: 'Fetch it again.' });
  }
  const { etag } = answer.headers;
  return { document: { bytes, digest, mediaType: typeOf(answer, bytes, what) }, etag };
}

/** What the answer's header says, where that is a type of manifest; the document itself otherwise. */
function typeOf({ headers }: RegistryAnswer, bytes: Uint8Array, what: string): string {
  const claimed = headers['content-type']?.split(';')[0]?.trim() ?? '';
  if (isManifestType(claimed) || isIndexType(claimed)) return claimed;
  return mediaTypeOf(bytes, what);
}

export async function findManifestSize(
  place: RepositoryPlace,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<number | undefined> {
  const answer = await place.connection.call({
    method: 'HEAD',
    path: apiPath(place, `manifests/${digest}`),
    what: `look for ${nameOf(place, digest)}`,
    scopes: pullScope(place),
    headers: { accept: ACCEPTED },
    expect: [404],
    signal,
  });
  answer.body.resume();
  return answer.status === 404 ? undefined : Number(answer.headers['content-length'] ?? 0);
}

export async function putManifest(
  place: RepositoryPlace,
  reference: string,
  document: RawDocument,
  { ifMatch, signal }: PutOptions = {},
): Promise<PutResult> {
  const condition = ifMatch === 'absent' ? { 'if-none-match': '*' } : { 'if-match': ifMatch?.etag ?? '' };
  const answer = await place.connection.call({
    method: 'PUT',
    path: apiPath(place, `manifests/${reference}`),
    what: `write ${nameOf(place, reference)}`,
    scopes: pushScope(place),
    headers: { 'content-type': document.mediaType, ...(ifMatch === undefined ? {} : condition) },
    body: document.bytes,
    expect: ifMatch === undefined ? [] : [409, 412],
    signal,
  });
  await readBeginning(answer, MAX_SKIPPED_BYTES);
  if (answer.status >= 400) return { isConflict: true, listsReferrer: false };
  const stored = answer.headers['docker-content-digest'];
  if (stored !== undefined && stored !== document.digest) {
    throw new DidiffError(
      'RESULT_MISMATCH',
      `${nameOf(place, reference)} was stored as ${String(stored)}; it is ${document.digest}`,
      { hint: 'The registry changes what it is given; use another one.' },
    );
  }
  return { isConflict: false, listsReferrer: answer.headers['oci-subject'] !== undefined };
}

export async function deleteManifest(
  place: RepositoryPlace,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<boolean> {
  const answer = await place.connection.call({
    method: 'DELETE',
    path: apiPath(place, `manifests/${digest}`),
    what: `delete ${nameOf(place, digest)}`,
    scopes: [`repository:${place.repository}:pull,push,delete`],
    expect: [404],
    signal,
  });
  await readBeginning(answer, MAX_SKIPPED_BYTES);
  return answer.status !== 404;
}

function nameOf({ name }: RepositoryPlace, reference: string): string {
  return isDigest(reference) ? `${name}@${reference}` : `${name}:${reference}`;
}
