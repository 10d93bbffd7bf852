/** Opens an image of an OCI layout, in a directory or in the tar of one. */
import { DidiffError } from '../../errors.ts';
import type { OpenedImage, OpenOptions } from '../../image/store.ts';
import { describeLayer, openParts } from '../opened-image.ts';
import { resolveImage } from '../resolve-image.ts';
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

/** Takes `layout` over: it is closed with the image, or at once when no image is found. */
async function openLayoutImage(
  layout: Layout,
  ref: string | undefined,
  options: OpenOptions,
): Promise<OpenedImage> {
  try {
    const name = ref === undefined ? layout.name : `${layout.name}:${ref}`;
    const entry = await selectEntry(layout, ref, options.platform);
    const image = await resolveImage(documentsOf(layout), entry, options.platform);
    return openParts({
      name,
      diffIds: image.parsedConfig.diffIds,
      platform: image.parsedConfig.platform,
      metadata: { config: image.config, manifest: image.manifest, index: image.index },
      blobs: image.parsed.layers,
      getStored(position) {
        const { digest } = image.parsed.layers[position]!;
        const blob = layout.findBlob(digest);
        if (blob !== undefined) return blob;
        throw new DidiffError(
          'NOT_FOUND',
          `${describeLayer({ name }, position)}, ${digest}, is not in the layout`,
          {
            hint: 'The layout is not whole; copy the image again.',
            data: { digest },
          },
        );
      },
      close: () => layout.close(),
    });
  } catch (error) {
    layout.close();
    throw error;
  }
}
