/** Puts a patch into a registry, beside the image it leads to (docs/registry.md). */

import { neededDiffIds } from '../apply/base.ts';
import { bytesAccess, sliceAccess } from '../bytes/access.ts';
import { type Digest, shortDigest, startDigest } from '../bytes/digest.ts';
import { type FileAccess, openFile } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import type { StoreOptions } from '../image/store.ts';
import { openPatch } from '../patch/open.ts';
import type { PatchReader } from '../patch/reader.ts';
import type { Repository } from '../stores/registry/repository.ts';
import { EMPTY_CONFIG, encodeArtifact, type PatchArtifact, partSize } from './artifact.ts';
import type { PatchDescription } from './description.ts';
import { findPatches } from './list.ts';
import { addReferrer } from './referrers.ts';

export interface PushOptions extends StoreOptions {
  /** The base's manifest and layers, where they are known: told to receivers, and held against the patch. */
  readonly base?: { readonly name: string; readonly manifest: Digest; readonly diffIds: readonly Digest[] };
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
 * Pushes the patch at `path`, which is read as a whole first. Throws UNSUPPORTED when its target has no manifest,
 * BASE_MISMATCH when `options.base` isn't its base, and what patches and registries throw.
 */
export async function pushPatch(
  path: string,
  repository: Repository,
  options: PushOptions,
): Promise<PushResult> {
  if (path === '-') {
    throw new DidiffError('USAGE', 'a patch is pushed from a file, not from standard input', {
      hint: 'Write it to a file first.',
    });
  }
  const { reader } = await openPatch(path);
  const { manifest } = reader.documents;
  if (manifest === undefined) {
    await reader.close();
    throw new DidiffError(
      'UNSUPPORTED',
      `${path} leads to an image without a manifest, so no registry can have it`,
      {
        hint: 'Make the patch from images that come from a registry, an OCI layout, or an engine that keeps manifests.',
      },
    );
  }
  const file = openFile(path);
  try {
    const { digest, parts } = digestParts(file, options.signal);
    const description = describePatch(reader, { digest, sizeBytes: file.sizeBytes }, options);
    // Damage is found before anything is sent.
    await reader.finish();
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
  } finally {
    file.close();
    await reader.close();
  }
}

function isSame(a: PatchDescription, b: PatchDescription): boolean {
  return a.patch.digest === b.patch.digest && a.base.manifest === b.base.manifest;
}

function digestParts(
  file: FileAccess,
  signal: AbortSignal | undefined,
): { digest: Digest; parts: PatchArtifact['parts'] } {
  const whole = startDigest();
  const size = partSize(file.sizeBytes);
  const parts: { digest: Digest; sizeBytes: number }[] = [];
  for (let position = 0; position < file.sizeBytes; position += size) {
    signal?.throwIfAborted();
    const bytes = new Uint8Array(Math.min(size, file.sizeBytes - position));
    file.readAt(position, bytes);
    whole.update(bytes);
    const part = startDigest();
    part.update(bytes);
    parts.push({ digest: part.finish(), sizeBytes: bytes.length });
  }
  return { digest: whole.finish(), parts };
}

function describePatch(
  { header, documents }: PatchReader,
  patch: { digest: Digest; sizeBytes: number },
  { base, nowMs }: PushOptions,
): PatchDescription {
  const missing = base === undefined ? [] : neededDiffIds(header).filter((id) => !base.diffIds.includes(id));
  if (base !== undefined && missing.length > 0) {
    throw new DidiffError(
      'BASE_MISMATCH',
      `${base.name} is not the base of this patch: it lacks ${missing.map(shortDigest).join(', ')}`,
      { hint: `The patch was made from ${header.base.name}.`, data: { missing } },
    );
  }
  return {
    patch,
    requires: header.requires,
    base: {
      name: header.base.name,
      ...(base === undefined ? {} : { manifest: base.manifest }),
      layers: header.base.layers.map(({ diffId, sizeBytes }) => ({ diffId, sizeBytes })),
    },
    target: {
      config: documents.config.digest,
      platform: header.target.platform,
      layers: header.target.layers.map(({ diffId, tarBytes }) => ({ diffId, sizeBytes: tarBytes })),
      hasBlobs: header.target.layers.every(({ blob }) => blob !== undefined && blob.source !== 'none'),
    },
    memoryBytes: header.memoryBytes,
    created: new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

/** Returns how many bytes the repository lacked. */
async function sendParts(
  repository: Repository,
  file: FileAccess,
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
