/**
 * An opened image over bytes that can be read at random: what the file stores share. Guards that each layer is
 * proved once before anything of it is handed out, and that its scratch file lives as long as the image is open.
 */
import type { RandomAccess } from '../bytes/access.ts';
import type { Digest } from '../bytes/digest.ts';
import { corrupt, DidiffError } from '../errors.ts';
import type { Descriptor } from '../image/manifest.ts';
import { compressionOf } from '../image/media-types.ts';
import type { Platform } from '../image/platform.ts';
import type { ImageMetadata, LayerTar, OpenedImage, StoreOptions } from '../image/store.ts';
import { type LayerContent, openLayerContent, proveDigest } from './layer-content.ts';

/** What a store found out about an image. */
export interface ImageParts {
  readonly name: string;
  readonly diffIds: readonly Digest[];
  readonly platform: Platform;
  readonly metadata: ImageMetadata;
  /** The manifest's layers; absent where there is no manifest. */
  readonly blobs?: readonly Descriptor[] | undefined;
  /** The layer's bytes as stored, fetched if need be. Throws naming the layer when they aren't there. */
  getStored(position: number, options: StoreOptions): RandomAccess | Promise<RandomAccess>;
  /** Whether that fetches them into a scratch file first. */
  readonly isRemote?: boolean;
  close(): void | Promise<void>;
}

/** Makes the image of its parts. Its `close` calls that of the parts, once. */
export function openParts(parts: ImageParts): OpenedImage {
  const tars = new Map<Digest, Promise<LayerContent>>();
  const provedBlobs = new Map<Digest, Promise<RandomAccess>>();
  let closing: Promise<void> | undefined;
  const assertOpen = () => {
    if (closing !== undefined)
      throw new DidiffError('INTERNAL', `${parts.name} was used after it was closed`);
  };
  return {
    name: parts.name,
    diffIds: parts.diffIds,
    platform: parts.platform,
    hasBlobs: parts.blobs !== undefined,
    readMetadata: async () => parts.metadata,
    async openTars(positions, options) {
      assertOpen();
      const found: LayerTar[] = [];
      for (const position of positions) {
        const diffId = at(parts, parts.diffIds, position);
        const { content } = await once(tars, diffId, () => openTar(parts, position, options));
        found.push({ diffId, content });
      }
      return found;
    },
    async openBlobs(positions, options) {
      assertOpen();
      const found: RandomAccess[] = [];
      for (const position of positions) {
        const { digest } = at(parts, parts.blobs ?? [], position);
        found.push(await once(provedBlobs, digest, () => openBlob(parts, position, options)));
      }
      return found;
    },
    scratchBytes: (position, tarBytes) => scratchFor(parts, position, tarBytes),
    close() {
      closing ??= closeAll(tars, parts);
      return closing;
    },
  };
}

function scratchFor(parts: ImageParts, position: number, tarBytes: number): number {
  const blob = parts.blobs?.[position];
  const isTar = blob?.digest === parts.diffIds[position];
  // What is fetched is kept beside what is unpacked of it.
  if (parts.isRemote) return (blob?.sizeBytes ?? 0) + (isTar ? 0 : tarBytes);
  try {
    const stored = parts.getStored(position, { tempDirectory: '' }) as RandomAccess;
    const start = new Uint8Array(Math.min(4, stored.sizeBytes));
    stored.readAt(0, start);
    return compressionOf(start) === 'none' ? 0 : tarBytes;
  } catch {
    // What is wrong with it is told when it is opened.
    return tarBytes;
  }
}

async function openTar(parts: ImageParts, position: number, options: StoreOptions): Promise<LayerContent> {
  const wanted = {
    what: describeLayer(parts, position),
    diffId: parts.diffIds[position]!,
    blobDigest: parts.blobs?.[position]?.digest,
  };
  return openLayerContent(await getSized(parts, position, options), wanted, options);
}

async function openBlob(parts: ImageParts, position: number, options: StoreOptions): Promise<RandomAccess> {
  const blob = await getSized(parts, position, options);
  const what = `the blob of ${describeLayer(parts, position)}`;
  await proveDigest(blob, parts.blobs![position]!.digest, what, options.signal);
  return blob;
}

/** The stored layer, of the size that its descriptor says. */
async function getSized(parts: ImageParts, position: number, options: StoreOptions): Promise<RandomAccess> {
  const stored = await parts.getStored(position, options);
  const wanted = parts.blobs?.[position]?.sizeBytes;
  if (wanted === undefined || wanted === stored.sizeBytes) return stored;
  throw corrupt(
    `the blob of ${describeLayer(parts, position)} has ${stored.sizeBytes} bytes; its manifest says ${wanted}`,
    { hint: 'Fetch the image again.' },
  );
}

/** `layer 2 of nginx:1.25`, counted from 0 as in the manifest. */
export function describeLayer(image: { readonly name: string }, position: number): string {
  return `layer ${position} of ${image.name}`;
}

function at<T>(parts: ImageParts, items: readonly T[], position: number): T {
  const item = items[position];
  if (item === undefined) {
    throw new RangeError(`${parts.name} has ${items.length} such layers; there is none at ${position}`);
  }
  return item;
}

/** Does the work once per key, also for callers at the same time; a failure is not kept. */
function once<K, V>(done: Map<K, Promise<V>>, key: K, work: () => Promise<V>): Promise<V> {
  const before = done.get(key);
  if (before !== undefined) return before;
  const result = work();
  done.set(key, result);
  result.catch(() => done.delete(key));
  return result;
}

async function closeAll(tars: ReadonlyMap<Digest, Promise<LayerContent>>, parts: ImageParts): Promise<void> {
  for (const tar of await Promise.allSettled(tars.values())) {
    if (tar.status === 'fulfilled') tar.value.close();
  }
  await parts.close();
}
