/** Opens an image of a `docker save` archive: a file, plain or compressed as a whole, or entries kept of a stream. */

import { DidiffError } from '../../errors.ts';
import type { OpenedImage, OpenOptions } from '../../image/store.ts';
import { openInputFile } from '../input-file.ts';
import { describeLayer, openParts } from '../opened-image.ts';
import { openPlainArchive } from './compressed.ts';
import { type ArchiveContent, listTar, openEntry } from './entries.ts';
import { type ArchiveImage, parseArchive } from './parse.ts';
import { selectImage } from './select.ts';

/**
 * Opens the image that `selector` picks (see `selectImage`) of the archive at `path`. Throws NOT_FOUND, CORRUPT_INPUT,
 * UNSUPPORTED, or USAGE when the choice is ambiguous.
 */
export async function openDockerArchive(
  path: string,
  selector: string | undefined,
  options: OpenOptions,
): Promise<OpenedImage> {
  const name = `docker-archive:${path}${selector === undefined ? '' : `:${selector}`}`;
  const file = openInputFile(path);
  try {
    const plain = await openPlainArchive(file, name, options);
    const close = () => {
      plain.close();
      file.close();
    };
    try {
      const content = { name, entries: listTar(plain.access, name), access: plain.access };
      return openArchiveEntries(content, selector, options, close);
    } catch (error) {
      plain.close();
      throw error;
    }
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Opens an image of entries. The caller keeps what is behind them until `close` is called, by the image's close. */
export function openArchiveEntries(
  content: ArchiveContent,
  selector: string | undefined,
  options: OpenOptions,
  close: () => void | Promise<void>,
): OpenedImage {
  const image = selectImage(parseArchive(content), selector, content.name, options.platform);
  return openArchiveImage(content, image, close);
}

/** Opens an image that `parseArchive` found in `content`. */
export function openArchiveImage(
  content: ArchiveContent,
  image: ArchiveImage,
  close: () => void | Promise<void>,
): OpenedImage {
  return openParts({
    name: content.name,
    diffIds: image.diffIds,
    platform: image.platform,
    metadata: { config: image.config, manifest: image.manifest, index: image.index },
    blobs: image.blobs,
    getStored(position) {
      const entry = image.layers[position];
      if (entry !== undefined) return openEntry(content, entry);
      throw new DidiffError('NOT_FOUND', `${describeLayer(content, position)} is not in the archive`, {
        hint: 'The archive was made for a receiver that has the layer already; use a whole one.',
        data: { diffId: image.diffIds[position] },
      });
    },
    close,
  });
}
