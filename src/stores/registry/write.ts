/**
 * Writes an image into a registry. Only blobs that the repository lacks are uploaded; the manifest, and last the tags,
 * make the image visible. Blobs that no manifest names (after a failure) are the registry's to collect.
 */

import { bytesAccess } from '../../bytes/access.ts';
import type { Digest } from '../../bytes/digest.ts';
import { openTempFile, type TempFile } from '../../bytes/file.ts';
import { DidiffError, toDidiffError } from '../../errors.ts';
import { familiarImageName, type ImageName, parseTagOption } from '../../image/image-name.ts';
import { parseIndex, type RawDocument } from '../../image/manifest.ts';
import { type ImageSink, rootOf, type StoreOptions, type TargetImage } from '../../image/store.ts';
import { proveDigest } from '../layer-content.ts';
import type { RegistryOptions } from './connection.ts';
import type { BlobName, CallOptions } from './place.ts';
import { openRepository, type Repository } from './repository.ts';

export interface RegistrySinkOptions extends StoreOptions {
  readonly registry?: RegistryOptions | undefined;
  /** Repositories of the same registry that may have blobs of the image already: they are taken over from there. */
  readonly mountFrom?: readonly string[] | undefined;
}

interface Writing {
  readonly target: TargetImage;
  readonly waiting: number[];
}

/**
 * A sink for the repository of `name`; takes blobs. Names given to `commit` must be of that repository. Published is
 * the manifest's digest, or the index's where its name leads to that.
 */
export function openRegistrySink(name: ImageName, options: RegistrySinkOptions): ImageSink {
  if (name.digest !== undefined) {
    throw new DidiffError(
      'USAGE',
      `${familiarImageName(name)} is named by digest; a tag is needed to write`,
      {
        hint: 'Write docker://HOST/NAME:TAG.',
      },
    );
  }
  const repository = openRepository(name, options.registry);
  const display = `docker://${familiarImageName({ registry: name.registry, repository: name.repository })}`;
  const { signal } = options;
  let writing: Writing | undefined;
  let found: Digest | undefined;
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      signal?.throwIfAborted();
      return await work();
    } catch (error) {
      writing = undefined;
      repository.close();
      throw toDidiffError(error);
    }
  };
  return {
    name: display,
    takes: 'blob',
    takesIndexes: true,
    find: (target) =>
      guarded(async () => {
        const { digest, bytes } = rootOf(target);
        found = (await repository.findManifestSize(digest, { signal })) === bytes.length ? digest : undefined;
        return found;
      }),
    findLacking: (target) => guarded(() => lackingLayers(repository, target, options)),
    begin: (target) =>
      guarded(async () => {
        if (writing !== undefined) throw new DidiffError('INTERNAL', `${display} is being written already`);
        await mountLayers(repository, target, options);
        const positions = await lackingLayers(repository, target, options);
        writing = { target, waiting: [...positions] };
        return positions;
      }),
    putLayer: (position, pieces) =>
      guarded(async () => {
        if (writing === undefined)
          throw new DidiffError('INTERNAL', `${display}: begin comes before putLayer`);
        const { target, waiting } = writing;
        if (waiting[0] !== position) {
          throw new DidiffError('INTERNAL', `layer ${position} was put; expected ${waiting[0] ?? 'none'}`);
        }
        await putBlob(repository, target.layers[position]!.blob, pieces, options);
        waiting.shift();
      }),
    commit: (target, names) =>
      guarded(async () => {
        const isWhole =
          writing === undefined ? found === rootOf(target).digest : writing.waiting.length === 0;
        if (!isWhole)
          throw new DidiffError('INTERNAL', `${display}: a layer was not put; nothing was changed`);
        const tags = names.map((text) => tagOf(text, name));
        const named = await publish(repository, target, tags, { signal });
        writing = undefined;
        repository.close();
        return { id: named.digest, names: tags.map((tag) => familiarImageName({ ...name, tag })) };
      }),
    async abort() {
      writing = undefined;
      repository.close();
    },
  };
}

/** Throws USAGE unless `text` is a name in the repository of `place`. */
export function assertNameIn(text: string, place: ImageName): void {
  tagOf(text, place);
}

/** The tag of a name that must be of `place`'s repository. Throws USAGE. */
function tagOf(text: string, place: ImageName): string {
  const { tag = 'latest', registry, repository } = parseTagOption(text);
  if (registry === place.registry && repository === place.repository) return tag;
  const wanted = familiarImageName({ registry: place.registry, repository: place.repository });
  throw new DidiffError('USAGE', `${text} is not a name in ${wanted}, where the image goes`, {
    hint: `Write ${wanted}:TAG, or leave --tag out and put the tag behind the destination's name.`,
  });
}

/** Each blob once, at its first position, when it isn't in the repository with the right size. */
async function lackingLayers(
  repository: Repository,
  target: TargetImage,
  { signal }: CallOptions,
): Promise<readonly number[]> {
  const lacking: number[] = [];
  for (const [position, { blob }] of firstPositions(target)) {
    if ((await repository.findBlobSize(blob.digest, { signal })) !== blob.sizeBytes) lacking.push(position);
  }
  return lacking;
}

function firstPositions(target: TargetImage) {
  const seen = new Set<Digest>();
  return [...target.layers.entries()].filter(([, { blob }]) => {
    const isFirst = !seen.has(blob.digest);
    seen.add(blob.digest);
    return isFirst;
  });
}

async function mountLayers(
  repository: Repository,
  target: TargetImage,
  { mountFrom = [], signal }: RegistrySinkOptions,
): Promise<void> {
  if (mountFrom.length === 0) return;
  for (const [, { blob }] of firstPositions(target)) {
    if ((await repository.findBlobSize(blob.digest, { signal })) === blob.sizeBytes) continue;
    for (const from of mountFrom) {
      // Asked first: a mount that fails would start an upload.
      const there = await repository.sibling(from).findBlobSize(blob.digest, { signal });
      if (there === blob.sizeBytes && (await repository.mountBlob(blob.digest, from, { signal }))) break;
    }
  }
}

/** Uploads what `pieces` give. They can't be asked for twice, an upload may have to start again: so they are kept. */
async function putBlob(
  repository: Repository,
  { digest, sizeBytes }: BlobName,
  pieces: AsyncIterable<Uint8Array>,
  { tempDirectory, signal }: StoreOptions,
): Promise<void> {
  const file: TempFile = openTempFile(tempDirectory);
  try {
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      if (file.sizeBytes + piece.length > sizeBytes) break;
      file.append(piece);
    }
    signal?.throwIfAborted();
    if (file.sizeBytes !== sizeBytes) {
      throw new DidiffError('INTERNAL', `the layer ${digest} is not the ${sizeBytes} bytes it should be`);
    }
    await proveDigest(file, digest, `the layer ${digest}`, signal);
    await repository.uploadBlob(digest, file, { signal });
  } finally {
    file.close();
  }
}

/** Writes what isn't a layer, the tags last. Returns the document that the tags lead to. */
async function publish(
  repository: Repository,
  target: TargetImage,
  tags: readonly string[],
  options: CallOptions,
): Promise<RawDocument> {
  const { config, manifest, index, rest } = target;
  for (const { digest, content } of [
    { digest: config.digest, content: bytesAccess(config.bytes) },
    ...(rest?.blobs ?? []),
  ]) {
    if ((await repository.findBlobSize(digest, options)) !== content.sizeBytes)
      await repository.uploadBlob(digest, content, options);
  }
  for (const each of [manifest, ...(rest?.manifests ?? [])])
    await repository.putManifest(each.digest, each, options);
  const isIndexWhole = index !== undefined && (await hasAllManifests(repository, index, options));
  const named = isIndexWhole ? index : manifest;
  if (isIndexWhole) await repository.putManifest(index.digest, index, options);
  for (const tag of tags) await repository.putManifest(tag, named, options);
  return named;
}

/** Registries refuse an index that names what they don't have; then the tags lead to the one manifest there is. */
async function hasAllManifests(
  repository: Repository,
  index: RawDocument,
  options: CallOptions,
): Promise<boolean> {
  for (const { digest, sizeBytes } of parseIndex(index.bytes, `the index ${index.digest}`)) {
    if ((await repository.findManifestSize(digest, options)) !== sizeBytes) return false;
  }
  return true;
}
