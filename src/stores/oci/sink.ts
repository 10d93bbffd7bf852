/**
 * Writes an image into an OCI layout directory. Guards that index.json, which makes the image visible, is replaced
 * last and at once, when every blob is in its place; that a kill at any moment leaves a valid layout; and that what
 * the layout holds already stays. Blobs that nothing names (after a kill during a commit) are harmless.
 */
import { join } from 'node:path';
import { bytesAccess, readPieces } from '../../bytes/access.ts';
import type { Digest } from '../../bytes/digest.ts';
import { openPendingFile } from '../../bytes/file.ts';
import { DidiffError, toDidiffError } from '../../errors.ts';
import {
  type ImageSink,
  type Published,
  rootOf,
  type StoredBlob,
  type StoreOptions,
  type TargetImage,
} from '../../image/store.ts';
import { hasBlob } from './has-blob.ts';
import { addToIndex, assertRefName, layoutNames, namedTarget } from './index-json.ts';
import { assertLayoutVersion, readIfThere } from './layout.ts';
import { withLock } from './lock.ts';
import { assertUsable, existingAncestor, openStaging, type Staging } from './staging.ts';

interface Writing {
  readonly staging: Staging;
  readonly target: TargetImage;
  readonly waiting: number[];
}

/**
 * A sink for the layout at `directory`, made when it isn't there; takes blobs. `ref` is a name the image gets beside
 * those of `commit`, with neither it is found by digest. Published is the manifest's digest, of a whole index
 * that of the index. Throws USAGE.
 */
export function openOciSink(directory: string, ref: string | undefined, options: StoreOptions): ImageSink {
  assertRefName(ref);
  const name = `oci:${directory}`;
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  let writing: Writing | undefined;
  /** The manifest of an image that was found whole. */
  let found: Digest | undefined;
  const cleanUp = () => {
    writing?.staging.remove();
    writing = undefined;
  };
  return {
    name,
    takes: 'blob',
    takesIndexes: true,
    get directory() {
      return existingAncestor(directory);
    },
    async find(target) {
      for (const { digest, sizeBytes } of allBlobs(target)) {
        if (!(await hasBlob(directory, digest, sizeBytes, signal))) return undefined;
      }
      found = rootOf(target).digest;
      return found;
    },
    async findLacking(target) {
      assertTakable(directory, name);
      return await missingLayers(directory, target, signal);
    },
    begin: (target) =>
      guarded(cleanUp, async () => {
        if (writing !== undefined) throw new DidiffError('INTERNAL', `${name} is being written already`);
        signal.throwIfAborted();
        assertTakable(directory, name);
        const positions = await missingLayers(directory, target, signal);
        const staging = openStaging(directory);
        writing = { staging, target, waiting: [...positions] };
        await putDocuments(directory, staging, target, signal);
        return positions;
      }),
    putLayer: (position, pieces) =>
      guarded(cleanUp, async () => {
        if (writing === undefined) throw new DidiffError('INTERNAL', `${name}: begin comes before putLayer`);
        const { staging, target, waiting } = writing;
        if (waiting[0] !== position) {
          throw new DidiffError('INTERNAL', `layer ${position} was put; expected ${waiting[0] ?? 'none'}`);
        }
        const { digest, sizeBytes } = target.layers[position]!.blob;
        await staging.put(digest, sizeBytes, pieces, signal);
        waiting.shift();
      }),
    commit: (target, names) =>
      guarded(cleanUp, async () => {
        const isWhole =
          writing === undefined ? found === rootOf(target).digest : writing.waiting.length === 0;
        if (!isWhole) throw new DidiffError('INTERNAL', `${name}: a layer was not put; nothing was changed`);
        const published = await publish(directory, writing?.staging, target, ref, names, signal);
        cleanUp();
        return published;
      }),
    async abort() {
      // A commit that waits for the lock must not go on.
      stop.abort();
      cleanUp();
    },
  };
}

async function publish(
  directory: string,
  staging: Staging | undefined,
  target: TargetImage,
  ref: string | undefined,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Published> {
  const all = layoutNames(ref, names);
  signal?.throwIfAborted();
  staging?.publish();
  await withLock(
    directory,
    () => {
      const before = readIfThere(directory, 'index.json');
      const after = addToIndex(before, namedTarget(target), all, `oci:${directory}: index.json`);
      replaceFile(join(directory, 'index.json'), after);
      // In a new layout this file comes last: without it the folder is no layout.
      if (readIfThere(directory, 'oci-layout') === undefined) {
        replaceFile(join(directory, 'oci-layout'), Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
      }
    },
    signal,
  );
  return { id: rootOf(target).digest, names: all.map(({ display }) => display) };
}

function replaceFile(path: string, bytes: Uint8Array): void {
  const file = openPendingFile(path);
  try {
    file.append(bytes);
    file.commit();
  } catch (error) {
    file.abort();
    throw error;
  }
}

function assertTakable(directory: string, name: string): void {
  assertUsable(directory);
  const marker = readIfThere(directory, 'oci-layout');
  if (marker !== undefined) assertLayoutVersion(marker, name);
}

/** All but the layers, each once. */
function documentsOf(target: TargetImage): readonly StoredBlob[] {
  const { config, manifest, index, rest } = target;
  const documents = [config, manifest, ...(index === undefined ? [] : [index]), ...(rest?.manifests ?? [])];
  const all = documents.map(({ digest, bytes }) => ({ digest, content: bytesAccess(bytes) }));
  return [...new Map([...all, ...(rest?.blobs ?? [])].map((blob) => [blob.digest, blob])).values()];
}

function allBlobs(target: TargetImage): readonly { digest: Digest; sizeBytes: number }[] {
  const documents = documentsOf(target).map(({ digest, content }) => ({
    digest,
    sizeBytes: content.sizeBytes,
  }));
  return [...documents, ...target.layers.map(({ blob }) => blob)];
}

async function putDocuments(
  directory: string,
  staging: Staging,
  target: TargetImage,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { digest, content } of documentsOf(target)) {
    if (await hasBlob(directory, digest, content.sizeBytes, signal)) continue;
    await staging.put(digest, content.sizeBytes, readPieces(content), signal);
  }
}

/** Each blob once, at its first position. */
async function missingLayers(
  directory: string,
  target: TargetImage,
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const missing: number[] = [];
  const seen = new Set<Digest>();
  for (const [position, { blob }] of target.layers.entries()) {
    if (seen.has(blob.digest)) continue;
    seen.add(blob.digest);
    if (!(await hasBlob(directory, blob.digest, blob.sizeBytes, signal))) missing.push(position);
  }
  return missing;
}

/** After any failure the staged blobs are gone at once. */
async function guarded<T>(cleanUp: () => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    cleanUp();
    throw toDidiffError(error);
  }
}
