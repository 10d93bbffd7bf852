/** Which patches lead to an image, as its registry knows them. */
import type { Digest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import type { Descriptor } from '../image/manifest.ts';
import type { CallOptions } from '../stores/registry/place.ts';
import type { Repository } from '../stores/registry/repository.ts';
import { ARTIFACT_TYPE, type PatchArtifact, parseArtifact } from './artifact.ts';
import { hasDescription, type PatchDescription, parseDescription } from './description.ts';
import { findReferrers } from './referrers.ts';

/** A patch in a registry. Nothing of it is proved: its own header has the last word. */
export interface PatchEntry {
  /** Of the artifact's manifest, by which `findArtifact` finds it. */
  readonly digest: Digest;
  readonly description: PatchDescription;
}

/** Lists that leave annotations out cost a request for each entry; for so many at most. */
const MAX_FETCHED = 100;

/** The patches that lead to the manifest `target`, the smallest first. What can't be understood is left out. */
export async function findPatches(
  repository: Repository,
  target: Digest,
  options: CallOptions,
): Promise<readonly PatchEntry[]> {
  const referrers = await findReferrers(repository, target, isPatch, options);
  const found: PatchEntry[] = [];
  let fetched = 0;
  for (const referrer of referrers) {
    const isTold = hasDescription(referrer.annotations);
    if (!isTold && fetched++ >= MAX_FETCHED) continue;
    const description = isTold
      ? understood(() => parseDescription(referrer.annotations, `the patch ${referrer.digest}`))
      : await fetchDescription(repository, referrer.digest, target, options);
    if (description !== undefined) found.push({ digest: referrer.digest, description });
  }
  return found.sort(
    (a, b) => a.description.patch.sizeBytes - b.description.patch.sizeBytes || (a.digest < b.digest ? -1 : 1),
  );
}

/** Lists need not be filtered, and an image may have referrers of any kind. */
function isPatch({ artifactType }: Descriptor): boolean {
  return artifactType === ARTIFACT_TYPE;
}

async function fetchDescription(
  repository: Repository,
  digest: Digest,
  target: Digest,
  options: CallOptions,
): Promise<PatchDescription | undefined> {
  const found = await repository.findManifest(digest, options);
  if (found === undefined) return undefined;
  const artifact = understood(() => parseArtifact(found.document.bytes, `the patch ${digest}`));
  return artifact?.target === target ? artifact.description : undefined;
}

/** A newer version of didiff, or anybody, may have written what this one can't read: that hides no other patch. */
function understood<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof DidiffError) return undefined;
    throw error;
  }
}

/** The artifact of an entry: its parts above all. Throws NOT_FOUND, CORRUPT_INPUT, UNSUPPORTED. */
export async function findArtifact(
  repository: Repository,
  digest: Digest,
  options: CallOptions,
): Promise<PatchArtifact> {
  const found = await repository.findManifest(digest, options);
  if (found !== undefined)
    return parseArtifact(found.document.bytes, `the patch ${repository.name}@${digest}`);
  throw new DidiffError('NOT_FOUND', `the patch ${repository.name}@${digest} is listed, but not there`, {
    hint: 'It was deleted; take another one, or push it again.',
  });
}
