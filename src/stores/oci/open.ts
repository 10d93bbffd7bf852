/** Opens an image of an OCI layout, in a directory or in the tar of one. */
import type { RandomAccess } from '../../bytes/access.ts';
import type { Digest } from '../../bytes/digest.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import { MAX_MANIFEST_BYTES } from '../../image/manifest.ts';
import { isIndexType } from '../../image/media-types.ts';
import type { OpenedImage, OpenedIndex, OpenOptions, StoreOptions } from '../../image/store.ts';
import { proveDigest } from '../layer-content.ts';
import { describeLayer, openParts } from '../opened-image.ts';
import { type ResolvedImage, readDocument, readIndexContent, resolveImage } from '../resolve-image.ts';
import { documentsOf, type Layout, openLayoutArchive, openLayoutDirectory } from './layout.ts';
import { selectEntry } from './select.ts';

/** Opens the image that `ref` picks (see `selectEntry`) in the layout at `directory`. */
export async function openOciLayout(
  directory: string,
  ref: string | undefined,
  options: OpenOptions,
): Promise<OpenedImage> {
  options.signal?.throwIfAborted();
  return await openLayoutImage(openLayoutDirectory(directory), ref, options);
}

/** Opens the image that `ref` picks in the archive at `path`, which may be compressed as a whole. */
export async function openOciArchive(
  path: string,
  ref: string | undefined,
  options: OpenOptions,
): Promise<OpenedImage> {
  return await openLayoutImage(await openLayoutArchive(path, options), ref, options);
}

/** What the name leads to in the layout at `directory`, when that is an index. */
export async function findLayoutIndex(
  directory: string,
  ref: string | undefined,
  options: StoreOptions,
): Promise<OpenedIndex | undefined> {
  options.signal?.throwIfAborted();
  return await findIndex(openLayoutDirectory(directory), ref);
}

/** The same in the archive at `path`. */
export async function findArchiveIndex(
  path: string,
  ref: string | undefined,
  options: StoreOptions,
): Promise<OpenedIndex | undefined> {
  return await findIndex(await openLayoutArchive(path, options), ref);
}

/** Takes `layout` over: it is closed with the index, or at once when there is none. */
async function findIndex(layout: Layout, ref: string | undefined): Promise<OpenedIndex | undefined> {
  try {
    const source = documentsOf(layout);
    const entry = await selectEntry(layout, ref);
    if (!isIndexType(entry.mediaType)) {
      layout.close();
      return undefined;
    }
    const name = nameOf(layout, ref);
    const index = await readDocument(source, entry, MAX_MANIFEST_BYTES);
    const { images, others } = await readIndexContent(source, index);
    return {
      name,
      index,
      others,
      images: images.map(({ entry, descriptor, platform }) => ({
        entry,
        digest: descriptor.digest,
        platform,
        open: async () => imageIn(layout, name, await resolveImage(source, descriptor, undefined), () => {}),
      })),
      async openBlob({ digest, sizeBytes }, { signal }) {
        const what = `the blob ${digest} of ${name}`;
        const blob = getBlob(layout, digest, what);
        await proveDigest(blob, digest, what, signal);
        if (blob.sizeBytes === sizeBytes) return blob;
        throw corrupt(`${what} has ${blob.sizeBytes} bytes; its manifest says ${sizeBytes}`);
      },
      close: async () => layout.close(),
    };
  } catch (error) {
    layout.close();
    throw error;
  }
}

function nameOf(layout: Layout, ref: string | undefined): string {
  return ref === undefined ? layout.name : `${layout.name}:${ref}`;
}

/** Takes `layout` over: it is closed with the image, or at once when no image is found. */
async function openLayoutImage(
  layout: Layout,
  ref: string | undefined,
  options: OpenOptions,
): Promise<OpenedImage> {
  try {
    const entry = await selectEntry(layout, ref, options.platform);
    const image = await resolveImage(documentsOf(layout), entry, options.platform);
    return imageIn(layout, nameOf(layout, ref), image, () => layout.close());
  } catch (error) {
    layout.close();
    throw error;
  }
}

function imageIn(layout: Layout, name: string, image: ResolvedImage, close: () => void): OpenedImage {
  return openParts({
    name,
    diffIds: image.parsedConfig.diffIds,
    platform: image.parsedConfig.platform,
    metadata: { config: image.config, manifest: image.manifest, index: image.index },
    blobs: image.parsed.layers,
    getStored(position) {
      const { digest } = image.parsed.layers[position]!;
      return getBlob(layout, digest, `${describeLayer({ name }, position)}, ${digest},`);
    },
    close,
  });
}

function getBlob(layout: Layout, digest: Digest, what: string): RandomAccess {
  const blob = layout.findBlob(digest);
  if (blob !== undefined) return blob;
  throw new DidiffError('NOT_FOUND', `${what} is not in the layout`, {
    hint: 'The layout is not whole; copy the image again.',
    data: { digest },
  });
}
