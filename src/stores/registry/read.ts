/** Opens an image of a registry. Documents are fetched when it is opened, layers when they are asked for, each once. */
import type { Digest } from '../../bytes/digest.ts';
import type { TempFile } from '../../bytes/file.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import { familiarImageName, type ImageName } from '../../image/image-name.ts';
import { type Descriptor, MAX_CONFIG_BYTES, type RawDocument } from '../../image/manifest.ts';
import { isConfigType, isIndexType } from '../../image/media-types.ts';
import type { OpenedImage, OpenedIndex, OpenOptions, StoreOptions } from '../../image/store.ts';
import { describeLayer, openParts } from '../opened-image.ts';
import { type DocumentSource, type ResolvedImage, readIndexContent, resolveImage } from '../resolve-image.ts';
import type { RegistryOptions } from './connection.ts';
import { fetchBlob } from './fetch-blob.ts';
import type { CallOptions } from './place.ts';
import { openRepository, type Repository } from './repository.ts';

/**
 * Opens what `name` names: by its digest when it has one (a tag beside it then says nothing, as for docker), else by its
 * tag. Throws NOT_FOUND, UNAUTHORISED, UNREACHABLE, CORRUPT_INPUT, UNSUPPORTED.
 */
export async function openRegistryImage(
  name: ImageName,
  options: OpenOptions & { readonly registry?: RegistryOptions | undefined },
): Promise<OpenedImage> {
  const repository = openRepository(name, options.registry);
  try {
    const image = await resolveName(repository, name, options);
    return openResolved(repository, name, image, () => repository.close());
  } catch (error) {
    repository.close();
    throw error;
  }
}

/** The documents of the image that `name` names in `repository`, for a platform (see `resolveImage`). */
export async function resolveName(
  repository: Repository,
  name: ImageName,
  options: Pick<OpenOptions, 'platform' | 'signal'>,
): Promise<ResolvedImage> {
  const { bytes, digest, mediaType } = await getNamed(repository, name, options);
  const source = repositoryDocuments(repository, new Map([[digest, bytes]]), options);
  const descriptor = { mediaType, digest, sizeBytes: bytes.length, annotations: {} };
  return await resolveImage(source, descriptor, options.platform);
}

async function getNamed(repository: Repository, name: ImageName, options: CallOptions): Promise<RawDocument> {
  const found = await repository.findManifest(name.digest ?? name.tag ?? 'latest', options);
  if (found !== undefined) return found.document;
  throw new DidiffError('NOT_FOUND', `there is no image ${familiarImageName(name)} in the registry`, {
    hint: 'Check the name and the tag. Some registries say so too of what one may not read: log in first.',
  });
}

/** What `name` leads to, when that is an index. Throws as `openRegistryImage`. */
export async function findRegistryIndex(
  name: ImageName,
  options: StoreOptions & { readonly registry?: RegistryOptions | undefined },
): Promise<OpenedIndex | undefined> {
  const repository = openRepository(name, options.registry);
  try {
    const index = await getNamed(repository, name, options);
    if (!isIndexType(index.mediaType)) {
      repository.close();
      return undefined;
    }
    const source = repositoryDocuments(repository, new Map([[index.digest, index.bytes]]), options);
    const { images, others } = await readIndexContent(source, index);
    const fetched: TempFile[] = [];
    return {
      name: `docker://${familiarImageName(name)}`,
      index,
      others,
      images: images.map(({ entry, descriptor, platform }) => ({
        entry,
        digest: descriptor.digest,
        platform,
        open: async () =>
          openResolved(repository, name, await resolveImage(source, descriptor, undefined), () => {}),
      })),
      async openBlob(blob, options) {
        const file = await fetchBlob(repository, blob, `the blob ${blob.digest}`, options);
        fetched.push(file);
        return file;
      },
      async close() {
        for (const file of fetched) file.close();
        repository.close();
      },
    };
  } catch (error) {
    repository.close();
    throw error;
  }
}

/** Documents as the registry keeps them: manifests and indexes apart from configs, which are blobs. */
function repositoryDocuments(
  repository: Repository,
  known: ReadonlyMap<Digest, Uint8Array>,
  options: CallOptions,
): DocumentSource {
  return {
    name: `docker://${repository.name}`,
    place: 'the registry',
    missingHint: 'The image is not whole there; push it again.',
    async findBytes(descriptor, limitBytes) {
      const before = known.get(descriptor.digest);
      if (before !== undefined) return before;
      if (isConfigType(descriptor.mediaType)) return await readConfig(repository, descriptor, options);
      const found = await repository.findManifest(descriptor.digest, options);
      const bytes = found?.document.bytes;
      if (bytes === undefined || bytes.length <= limitBytes) return bytes;
      throw new DidiffError(
        'LIMIT',
        `${repository.name}@${descriptor.digest} has more than ${limitBytes} bytes`,
      );
    },
  };
}

async function readConfig(
  repository: Repository,
  { digest, sizeBytes }: Descriptor,
  options: CallOptions,
): Promise<Uint8Array> {
  const what = `the config ${digest} of ${repository.name}`;
  if (sizeBytes > MAX_CONFIG_BYTES) {
    throw new DidiffError('LIMIT', `${what} is ${sizeBytes} bytes; at most ${MAX_CONFIG_BYTES} are accepted`);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of repository.readBlob({ digest, sizeBytes }, options)) pieces.push(piece);
  return Buffer.concat(pieces);
}

function openResolved(
  repository: Repository,
  name: ImageName,
  image: ResolvedImage,
  close: () => void,
): OpenedImage {
  const fetched = new Map<Digest, Promise<TempFile>>();
  const display = `docker://${familiarImageName(name)}`;
  const layers = image.parsed.layers;
  return openParts({
    name: display,
    diffIds: image.parsedConfig.diffIds,
    platform: image.parsedConfig.platform,
    metadata: { config: image.config, manifest: image.manifest, index: image.index },
    blobs: layers,
    isRemote: true,
    getStored(position, options: StoreOptions) {
      const blob = layers[position];
      if (blob === undefined) throw corrupt(`${display} has no layer ${position}`);
      const before = fetched.get(blob.digest);
      if (before !== undefined) return before;
      const file = fetchBlob(repository, blob, describeLayer({ name: display }, position), options);
      fetched.set(blob.digest, file);
      // A failure is not kept: the next call tries again.
      file.catch(() => fetched.delete(blob.digest));
      return file;
    },
    async close() {
      for (const file of await Promise.allSettled(fetched.values())) {
        if (file.status === 'fulfilled') file.value.close();
      }
      close();
    },
  });
}
