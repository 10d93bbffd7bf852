/**
 * In which form an engine takes an image, and how it tells that it has one: as layer tars under a config (Docker's
 * classic store, podman), or as the very blobs of a manifest (Docker over containerd).
 */
import { type Digest, digestHex } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import { OCI_INDEX } from '../../image/media-types.ts';
import { samePlatform } from '../../image/platform.ts';
import type { StoreOptions, TargetImage, TargetLayer } from '../../image/store.ts';
import { rankByLayers } from './base.ts';
import { inspectImage, type LayeredImage, listImages, listLayeredImages } from './images.ts';
import type { Engine } from './kind.ts';
import { openInspectedImage } from './read.ts';

/** A file of the archive that is sent. */
export interface ArchiveFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface ArchiveForm {
  readonly takes: 'tar' | 'blob';
  /** The ID the engine will give the image. */
  idOf(target: TargetImage): Digest;
  /** Whether the image is there with all it needs. */
  isThere(engine: Engine, target: TargetImage, signal: AbortSignal | undefined): Promise<boolean>;
  /** The positions of the layers that must be sent, ascending. Leaves none out unless it is surely there. */
  findLacking(engine: Engine, target: TargetImage, options: StoreOptions): Promise<readonly number[]>;
  layerPath(layer: TargetLayer): string;
  layerBytes(layer: TargetLayer): number;
  /** What follows the layers. The last file is the one without which the engine sees no image. */
  documents(target: TargetImage): readonly ArchiveFile[];
}

export function archiveFormOf(engine: Engine): ArchiveForm {
  return engine.kind === 'containerd' ? BLOBS : TARS;
}

/** How many images' manifests are looked at to find blobs that needn't be sent. */
const MAX_MANIFESTS_READ = 4;

const TARS: ArchiveForm = {
  takes: 'tar',
  idOf: (target) => target.config.digest,
  async isThere(engine, target, signal) {
    return (await inspectImage(engine, target.config.digest, signal))?.id === target.config.digest;
  },
  async findLacking(engine, target, { signal }) {
    // podman wants every layer, whatever it has.
    if (engine.kind === 'podman') return [...target.layers.keys()];
    const images = await listLayeredImages(engine, signal);
    const present = Math.max(0, ...images.map((image) => countShared(image, target)));
    return [...target.layers.keys()].slice(present);
  },
  layerPath: (layer) => `${digestHex(layer.diffId)}.tar`,
  layerBytes: (layer) => layer.tarSizeBytes,
  documents(target) {
    const config = `${digestHex(target.config.digest)}.json`;
    const layers = target.layers.map((layer) => TARS.layerPath(layer));
    return [
      { path: config, bytes: target.config.bytes },
      { path: 'manifest.json', bytes: json([{ Config: config, RepoTags: null, Layers: layers }]) },
    ];
  },
};

/** A classic engine keeps a layer under the chain of all diffIDs up to it, so a layer is there with its whole chain only. */
function countShared(image: LayeredImage, target: TargetImage): number {
  let count = 0;
  while (count < target.layers.length && image.diffIds[count] === target.layers[count]!.diffId) count++;
  return count;
}

const BLOBS: ArchiveForm = {
  takes: 'blob',
  idOf: (target) => (target.index ?? target.manifest).digest,
  async isThere(engine, target, signal) {
    const id = BLOBS.idOf(target);
    // An engine takes an image whose blobs are missing without a word when its snapshots are there; but it lists
    // only images that are whole, and newer ones say which manifests are.
    const listed = (await listImages(engine, signal)).find((image) => image.id === id);
    if (listed === undefined || listed.incomplete.includes(target.manifest.digest)) return false;
    const inspected = await inspectImage(engine, id, signal);
    if (inspected === undefined) return false;
    const isTold = samePlatform(inspected.platform, target.platform) || target.index === undefined;
    return isTold && inspected.diffIds.join() === target.layers.map(({ diffId }) => diffId).join();
  },
  async findLacking(engine, target, options) {
    const present = await findBlobs(engine, target, options);
    return [...target.layers.keys()].filter((position) => !present.has(target.layers[position]!.blob.digest));
  },
  layerPath: (layer) => blobPath(layer.blob.digest),
  layerBytes: (layer) => layer.blob.sizeBytes,
  documents(target) {
    const { config, manifest, index } = target;
    const { digest, mediaType, bytes } = index ?? manifest;
    const top = {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ mediaType, digest, size: bytes.length }],
    };
    return [
      { path: 'oci-layout', bytes: json({ imageLayoutVersion: '1.0.0' }) },
      ...[config, manifest, ...(index === undefined ? [] : [index])].map((document) => ({
        path: blobPath(document.digest),
        bytes: document.bytes,
      })),
      { path: 'index.json', bytes: json(top) },
    ];
  },
};

/**
 * Blobs of the target's layers that the engine has: those that manifests of whole images name. Equal diffIDs say
 * which images are worth a look, but prove nothing: the same layer may be there in another compression.
 */
async function findBlobs(
  engine: Engine,
  target: TargetImage,
  options: StoreOptions,
): Promise<ReadonlySet<Digest>> {
  const present = new Set<Digest>();
  const unknown = new Map(target.layers.map((layer) => [layer.blob.digest, layer.diffId]));
  const images = rankByLayers(await listLayeredImages(engine, options.signal), [...unknown.values()]);
  let budget = MAX_MANIFESTS_READ;
  for (const { image } of images) {
    if (unknown.size === 0 || budget === 0) break;
    if (![...unknown.values()].some((diffId) => image.diffIds.includes(diffId))) continue;
    budget--;
    for (const digest of await readBlobDigests(engine, image, options)) {
      present.add(digest);
      unknown.delete(digest);
    }
  }
  return present;
}

/** What an image's manifest names; nothing when it can't be read, which costs only that more is sent. */
async function readBlobDigests(
  engine: Engine,
  image: LayeredImage,
  options: StoreOptions,
): Promise<readonly Digest[]> {
  const known = engine.blobsOfImages.get(image.id);
  if (known !== undefined) return known;
  const opened = openInspectedImage(engine, image.id, image, options);
  try {
    await opened.readMetadata(options);
    return engine.blobsOfImages.get(image.id) ?? [];
  } catch (error) {
    if (error instanceof DidiffError && ['CORRUPT_INPUT', 'NOT_FOUND', 'STORAGE'].includes(error.code))
      return [];
    throw error;
  } finally {
    await opened.close();
  }
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
