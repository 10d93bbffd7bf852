/**
 * What refers to a manifest, in registries with the referrers API and in those without. There the specification has an
 * index under a tag made of the digest, which several writers may replace at once. Guards that no entry that didiff wrote
 * is lost then: before it touches the index, each writer leaves a tag of its own, and ends only when it has read back an
 * index with an entry for each of these tags. So the last to write has seen them all.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Digest, digestHex, shortDigest } from '../bytes/digest.ts';
import { corrupt, DidiffError } from '../errors.ts';
import {
  type Descriptor,
  MAX_MANIFEST_BYTES,
  parseDescriptor,
  parseIndex,
  parseObject,
  type RawDocument,
  rawDocument,
} from '../image/manifest.ts';
import { isIndexType, OCI_INDEX } from '../image/media-types.ts';
import type { CallOptions } from '../stores/registry/place.ts';
import type { Repository } from '../stores/registry/repository.ts';
import { referrerEntry, subjectOf } from './artifact.ts';

type Entry = Readonly<Record<string, unknown>>;

const MAX_ROUNDS = 50;
const ROUND_MS = 20;
/** How many hex digits of each digest stand in a writer's tag. */
const MARK_DIGITS = 40;

/** All referrers of `subject` that the registry tells of, by API or by tag. */
export async function findReferrers(
  repository: Repository,
  subject: Digest,
  isWanted: (referrer: Descriptor) => boolean,
  options: CallOptions,
): Promise<readonly Descriptor[]> {
  const listed = ((await repository.listReferrers(subject, options)) ?? []).filter(isWanted);
  if (listed.length > 0) return listed;
  // Registries that learnt the API later may not have looked into the tag.
  const index = await readIndex(repository, subject, options);
  return index === undefined ? [] : index.descriptors.filter(isWanted);
}

/**
 * Makes the registry list `artifact`, which is stored there, for the manifest it refers to. Throws UNREACHABLE when others
 * keep changing the list.
 */
export async function addReferrer(
  repository: Repository,
  artifact: RawDocument,
  options: CallOptions,
): Promise<void> {
  const subject = subjectOf(artifact);
  if (subject === undefined) throw new RangeError(`${artifact.digest} refers to nothing`);
  await repository.putManifest(markOf(subject, artifact.digest), artifact, options);
  const known = new Map<Digest, Entry>([[artifact.digest, referrerEntry(artifact)]]);
  await mergeUntilWhole(repository, subject, known, new Set(), options);
}

async function mergeUntilWhole(
  repository: Repository,
  subject: Digest,
  known: Map<Digest, Entry>,
  dropped: ReadonlySet<Digest>,
  options: CallOptions,
): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (await mergeOnce(repository, subject, known, dropped, options)) return;
    await sleep(ROUND_MS * (1 + Math.random()) * Math.min(round, 10));
    options.signal?.throwIfAborted();
  }
  throw new DidiffError(
    'UNREACHABLE',
    `the list of what refers to ${shortDigest(subject)} in ${repository.name} changes all the time`,
    { hint: 'Others are writing to it; try again later.' },
  );
}

/**
 * Takes `dropped`, whose manifests were deleted, out of the list where that is a tag. Keeps to what writers do, so that no
 * entry of another is lost by it. Throws UNREACHABLE when others keep changing the list.
 */
export async function dropReferrers(
  repository: Repository,
  subject: Digest,
  dropped: ReadonlySet<Digest>,
  options: CallOptions,
): Promise<void> {
  if ((await readIndex(repository, subject, options)) === undefined) return;
  await mergeUntilWhole(repository, subject, new Map(), dropped, options);
}

/** The tag that the specification gives the list of referrers of a manifest. */
export function referrersTag(subject: Digest): string {
  return `sha256-${digestHex(subject)}`;
}

/** The tag by which a writer says that it has something for the list. */
export function markOf(subject: Digest, artifact: Digest): string {
  return `${marksOf(subject)}${digestHex(artifact).slice(0, MARK_DIGITS)}`;
}

/** Whether a tag is one that a writer left. */
export function isMark(tag: string): boolean {
  return /^didiff\.[0-9a-f]{40}\.[0-9a-f]{40}$/.test(tag);
}

function marksOf(subject: Digest): string {
  return `didiff.${digestHex(subject).slice(0, MARK_DIGITS)}.`;
}

/** True when the index has all that is known and nothing that is dropped; else tries to make it so. */
async function mergeOnce(
  repository: Repository,
  subject: Digest,
  known: Map<Digest, Entry>,
  dropped: ReadonlySet<Digest>,
  options: CallOptions,
): Promise<boolean> {
  const index = await readIndex(repository, subject, options);
  const tags = await repository.listTags(options);
  // Some registries have a tag point nowhere for a moment while it is replaced.
  if (index === undefined && tags.includes(referrersTag(subject))) return false;
  const entries = new Map([...(index?.entries ?? [])].filter(([digest]) => !dropped.has(digest)));
  const before = entries.size;
  for (const [digest, entry] of known) {
    if (entries.has(digest)) continue;
    // What was there earlier and is gone: lost by another's write, or deleted.
    if ((await repository.findManifestSize(digest, options)) !== undefined) entries.set(digest, entry);
  }
  await addMarked(repository, subject, tags, entries, options);
  for (const [digest, entry] of entries) known.set(digest, entry);
  if (index !== undefined && entries.size === before && before === index.entries.size) return true;
  const ifMatch =
    index === undefined ? 'absent' : index.etag === undefined ? undefined : { etag: index.etag };
  await repository.putManifest(referrersTag(subject), encodeIndex(index?.json, entries), {
    ...options,
    ifMatch,
  });
  return false;
}

/** What other writers have left a tag for and the index lacks. */
async function addMarked(
  repository: Repository,
  subject: Digest,
  tags: readonly string[],
  entries: Map<Digest, Entry>,
  options: CallOptions,
): Promise<void> {
  const listed = new Set([...entries.keys()].map((digest) => markOf(subject, digest)));
  for (const tag of tags) {
    if (!tag.startsWith(marksOf(subject)) || listed.has(tag)) continue;
    const found = await repository.findManifest(tag, options);
    if (found === undefined || subjectOf(found.document) !== subject) continue;
    entries.set(found.document.digest, referrerEntry(found.document));
  }
}

interface ReadIndex {
  readonly json: Entry;
  readonly etag: string | undefined;
  /** As they stand there: others may have written what isn't known here. */
  readonly entries: ReadonlyMap<Digest, Entry>;
  readonly descriptors: readonly Descriptor[];
}

async function readIndex(
  repository: Repository,
  subject: Digest,
  options: CallOptions,
): Promise<ReadIndex | undefined> {
  const tag = referrersTag(subject);
  const found = await repository.findManifest(tag, options);
  if (found === undefined) return undefined;
  const { bytes, mediaType } = found.document;
  const what = `the index ${repository.name}:${tag}`;
  if (!isIndexType(mediaType)) throw corrupt(`${what} is no index but ${mediaType}`);
  const json = parseObject(bytes, what, MAX_MANIFEST_BYTES);
  const descriptors = parseIndex(bytes, what);
  const entries = new Map(
    (json['manifests'] as readonly Entry[]).map((entry) => [parseDescriptor(entry, what).digest, entry]),
  );
  return { json, etag: found.etag, entries, descriptors };
}

/** Sorted, so that writers who know the same write the same. */
function encodeIndex(before: Entry | undefined, entries: ReadonlyMap<Digest, Entry>): RawDocument {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const index = {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    ...before,
    manifests: sorted.map(([, entry]) => entry),
  };
  return rawDocument(new TextEncoder().encode(JSON.stringify(index)), OCI_INDEX);
}
