/** Puts a patch into a registry, beside the image it leads to (docs/registry.md). */

import { bytesAccess, concatAccess, type RandomAccess, sliceAccess } from '../bytes/access.ts';
import { type Digest, sha256, shortDigest, startDigest } from '../bytes/digest.ts';
import { openFile } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import type { StoreOptions } from '../image/store.ts';
import { openPatch } from '../patch/open.ts';
import type { PatchReader } from '../patch/reader.ts';
import type { Repository } from '../stores/registry/repository.ts';
import { EMPTY_CONFIG, encodeArtifact, type PatchArtifact, partSize } from './artifact.ts';
import type { LayerSize, PatchDescription } from './description.ts';
import { findPatches } from './list.ts';
import { addReferrer } from './referrers.ts';

export interface PushOptions extends StoreOptions {
  /** The base's manifest and layers, where they are known: told to receivers, and held against the patch. */
  readonly base?:
    | { readonly name: string; readonly manifest: Digest; readonly diffIds: readonly Digest[] }
    | undefined;
  /** When this is, in milliseconds since 1970. */
  readonly nowMs: number;
}

export interface PushResult {
  /** Of the artifact's manifest. */
  readonly artifact: Digest;
  /** Of the manifest of the image that the patch leads to. */
  readonly target: Digest;
  readonly patchBytes: number;
  readonly parts: number;
  /** Parts that the repository had already aren't sent. */
  readonly sentBytes: number;
  /** The same patch was there before. */
  readonly wasThere: boolean;
  /** Whether the image that the patch leads to is in the repository by now. */
  readonly isTargetThere: boolean;
}

/**
 * Pushes the patch at `path`, which is read as a whole first. Throws UNSUPPORTED when its target has no manifest, or it is a
 * bundle, BASE_MISMATCH when `options.base` isn't its base, and what patches and registries throw.
 */
export async function pushPatch(
  path: string,
  repository: Repository,
  options: PushOptions,
): Promise<PushResult> {
  assertFile(path);
  const { reader } = await openPatch(path);
  const file = openFile(path);
  try {
    // Damage is found before anything is sent.
    await reader.finish();
    return await pushContent({ path, patches: [reader], content: [file] }, repository, options);
  } finally {
    file.close();
    await reader.close();
  }
}

/** A patch that was read to its end, as the file that is pushed. */
export interface PushedContent {
  /** For messages. */
  readonly path: string;
  /** The patch that leads to the image last, before it one that it takes layers from. */
  readonly patches: readonly PatchReader[];
  /** One after the other the file; parts of the artifact begin where each of them does. */
  readonly content: readonly RandomAccess[];
  /** Features that the file requires besides those of the patches. */
  readonly requires?: readonly string[];
}

export function assertFile(path: string): void {
  if (path !== '-') return;
  throw new DidiffError('USAGE', 'a patch is pushed from a file, not from standard input', {
    hint: 'Write it to a file first.',
  });
}

/** Throws as `pushPatch`. */
export async function pushContent(
  pushed: PushedContent,
  repository: Repository,
  options: PushOptions,
): Promise<PushResult> {
  const { manifest } = pushed.patches.at(-1)!.documents;
  if (manifest === undefined) {
    throw new DidiffError(
      'UNSUPPORTED',
      `${pushed.path} leads to an image without a manifest, so no registry can have it`,
      {
        hint: 'Make the patch from images that come from a registry, an OCI layout, or an engine that keeps manifests.',
      },
    );
  }
  const file = concatAccess(pushed.content);
  const { digest, parts } = digestParts(pushed.content, options.signal);
  const description = describePatch(pushed, { digest, sizeBytes: file.sizeBytes }, options);
  const result = { target: manifest.digest, patchBytes: file.sizeBytes, parts: parts.length };
  const isTargetThere = (await repository.findManifestSize(manifest.digest, options)) !== undefined;
  const before = await findPatches(repository, manifest.digest, options);
  const same = before.find((entry) => isSame(entry.description, description));
  if (same !== undefined)
    return { ...result, artifact: same.digest, sentBytes: 0, wasThere: true, isTargetThere };
  const sentBytes = await sendParts(repository, file, parts, options);
  await sendBlob(repository, EMPTY_CONFIG.digest, bytesAccess(EMPTY_CONFIG.bytes), options);
  const artifact = encodeArtifact(manifest, parts, description);
  const { listsReferrer } = await repository.putManifest(artifact.digest, artifact, options);
  if (!listsReferrer) await addReferrer(repository, artifact, options);
  return { ...result, artifact: artifact.digest, sentBytes, wasThere: false, isTargetThere };
}

function isSame(a: PatchDescription, b: PatchDescription): boolean {
  return a.patch.digest === b.patch.digest && a.base.manifest === b.base.manifest;
}

/** Each of `content` is cut anew, so that what several artifacts have is stored once. */
function digestParts(
  content: readonly RandomAccess[],
  signal: AbortSignal | undefined,
): { digest: Digest; parts: PatchArtifact['parts'] } {
  const whole = startDigest();
  const size = partSize(content.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  const parts: { digest: Digest; sizeBytes: number }[] = [];
  for (const file of content) {
    for (let position = 0; position < file.sizeBytes; position += size) {
      signal?.throwIfAborted();
      const bytes = new Uint8Array(Math.min(size, file.sizeBytes - position));
      file.readAt(position, bytes);
      whole.update(bytes);
      parts.push({ digest: sha256(bytes), sizeBytes: bytes.length });
    }
  }
  return { digest: whole.finish(), parts };
}

function describePatch(
  { patches, requires = [] }: PushedContent,
  patch: { digest: Digest; sizeBytes: number },
  { base, nowMs }: PushOptions,
): PatchDescription {
  const { header, documents } = patches.at(-1)!;
  const needed = layersNeededBy(patches);
  const missing = base === undefined ? [] : needed.filter(({ diffId }) => !base.diffIds.includes(diffId));
  if (base !== undefined && missing.length > 0) {
    throw new DidiffError(
      'BASE_MISMATCH',
      `${base.name} is not the base of this patch: it lacks ${missing.map(({ diffId }) => shortDigest(diffId)).join(', ')}`,
      {
        hint: `The patch was made from ${header.base.name}.`,
        data: { missing: missing.map(({ diffId }) => diffId) },
      },
    );
  }
  return {
    patch,
    requires: [...new Set([...requires, ...patches.flatMap((each) => each.header.requires)])],
    base: {
      name: header.base.name,
      ...(base === undefined ? {} : { manifest: base.manifest }),
      layers: needed,
    },
    target: {
      config: documents.config.digest,
      platform: header.target.platform,
      layers: header.target.layers.map(({ diffId, tarBytes }) => ({ diffId, sizeBytes: tarBytes })),
      hasBlobs: header.target.layers.every(({ blob }) => blob !== undefined && blob.source !== 'none'),
    },
    memoryBytes: Math.max(...patches.map((each) => each.header.memoryBytes)),
    created: new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

/** What no patch makes before another reads it. */
function layersNeededBy(patches: readonly PatchReader[]): readonly LayerSize[] {
  const found = new Map<Digest, number>();
  const made = new Set<Digest>();
  for (const { header } of patches) {
    for (const { diffId, sizeBytes } of header.base.layers)
      if (!made.has(diffId)) found.set(diffId, sizeBytes);
    for (const { diffId } of header.target.layers) made.add(diffId);
  }
  return [...found].map(([diffId, sizeBytes]) => ({ diffId, sizeBytes }));
}

/** Returns how many bytes the repository lacked. */
async function sendParts(
  repository: Repository,
  file: RandomAccess,
  parts: PatchArtifact['parts'],
  options: StoreOptions,
): Promise<number> {
  let position = 0;
  let sentBytes = 0;
  for (const { digest, sizeBytes } of parts) {
    const part = sliceAccess(file, position, sizeBytes);
    if (await sendBlob(repository, digest, part, options)) sentBytes += sizeBytes;
    position += sizeBytes;
    options.onProgress?.({ phase: 'push', doneBytes: position, totalBytes: file.sizeBytes });
  }
  return sentBytes;
}

async function sendBlob(
  repository: Repository,
  digest: Digest,
  content: Parameters<Repository['uploadBlob']>[1],
  options: StoreOptions,
): Promise<boolean> {
  if ((await repository.findBlobSize(digest, options)) === content.sizeBytes) return false;
  await repository.uploadBlob(digest, content, options);
  return true;
}
