/**
 * Deletes patches of a repository that have become useless. They are found by its tags: those of images, of lists of
 * referrers, and the marks of writers.
 */
import { type Digest, isDigest } from '../bytes/digest.ts';
import { parseIndex } from '../image/manifest.ts';
import { isIndexType } from '../image/media-types.ts';
import type { CallOptions } from '../stores/registry/place.ts';
import type { Repository } from '../stores/registry/repository.ts';
import { subjectOf } from './artifact.ts';
import { findPatches, type PatchEntry } from './list.ts';
import { dropReferrers, isMark } from './referrers.ts';

export interface PruneOptions extends CallOptions {
  /** Also patches whose base is named and not in the repository. */
  readonly baseGone: boolean;
  /** Also patches that were pushed before this, in milliseconds since 1970. */
  readonly beforeMs?: number | undefined;
  /** Find them, and delete nothing. */
  readonly dryRun: boolean;
}

export type PruneReason = 'target gone' | 'base gone' | 'old';

export interface PrunedPatch extends PatchEntry {
  readonly target: Digest;
  readonly reason: PruneReason;
}

export interface PruneResult {
  readonly pruned: readonly PrunedPatch[];
  readonly keptPatches: number;
}

/** Throws UNSUPPORTED where the registry doesn't let manifests be deleted, and what the registry's client throws. */
export async function prunePatches(repository: Repository, options: PruneOptions): Promise<PruneResult> {
  const pruned: PrunedPatch[] = [];
  let keptPatches = 0;
  for (const target of await listSubjects(repository, options)) {
    const useless: PrunedPatch[] = [];
    for (const entry of await findPatches(repository, target, options)) {
      const reason = await reasonFor(repository, target, entry, options);
      if (reason === undefined) keptPatches++;
      else useless.push({ ...entry, target, reason });
    }
    pruned.push(...useless);
    if (options.dryRun || useless.length === 0) continue;
    for (const { digest } of useless) await repository.deleteManifest(digest, options);
    await dropReferrers(repository, target, new Set(useless.map(({ digest }) => digest)), options);
  }
  return { pruned, keptPatches };
}

/** Every manifest that something may refer to, as far as tags tell. */
async function listSubjects(repository: Repository, options: CallOptions): Promise<readonly Digest[]> {
  const subjects = new Set<Digest>();
  for (const tag of await repository.listTags(options)) {
    const ofList = tag.replace(/^sha256-/, 'sha256:');
    if (isDigest(ofList)) {
      subjects.add(ofList);
      continue;
    }
    const found = await repository.findManifest(tag, options);
    if (found === undefined) continue;
    const { digest, bytes, mediaType } = found.document;
    const subject = isMark(tag) ? subjectOf(found.document) : digest;
    if (subject !== undefined) subjects.add(subject);
    if (!isIndexType(mediaType)) continue;
    for (const entry of parseIndex(bytes, `${repository.name}:${tag}`)) subjects.add(entry.digest);
  }
  return [...subjects].sort();
}

async function reasonFor(
  repository: Repository,
  target: Digest,
  { description }: PatchEntry,
  { baseGone, beforeMs, ...options }: PruneOptions,
): Promise<PruneReason | undefined> {
  const isGone = async (digest: Digest) => (await repository.findManifestSize(digest, options)) === undefined;
  if (await isGone(target)) return 'target gone';
  const { manifest } = description.base;
  if (baseGone && manifest !== undefined && (await isGone(manifest))) return 'base gone';
  // A time that can't be read says nothing.
  return beforeMs !== undefined && Date.parse(description.created) < beforeMs ? 'old' : undefined;
}
