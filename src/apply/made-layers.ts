/**
 * Layers that a patch has made and that others start from: kept in scratch files, in the form that the destination takes,
 * and handed out as an image. Each was proved when it was made.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { startDigest } from '../bytes/digest.ts';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import { corrupt, DidiffError } from '../errors.ts';
import { decodeBlob } from '../image/decode-blob.ts';
import { synthesiseManifest } from '../image/manifest.ts';
import { compressionOf } from '../image/media-types.ts';
import type { ImageSink, LayerTar, OpenedImage, StoreOptions, TargetImage } from '../image/store.ts';

export interface MadeLayers {
  /** Where the patch puts them; those whose diffID is in `wanted`. */
  readonly sink: ImageSink;
  /** What was put, once the sink is committed. To be closed, which drops it. */
  open(): OpenedImage;
}

export function keepLayers(
  takes: ImageSink['takes'],
  wanted: ReadonlySet<string>,
  { tempDirectory }: StoreOptions,
): MadeLayers {
  const name = 'layers that platforms share';
  const files = new Map<number, TempFile>();
  let target: TargetImage | undefined;
  const positionsOf = ({ layers }: TargetImage) =>
    [...layers.keys()].filter((position) => wanted.has(layers[position]!.diffId));
  const drop = () => {
    for (const file of files.values()) file.close();
    files.clear();
  };
  return {
    sink: {
      name,
      takes,
      directory: tempDirectory,
      find: async () => undefined,
      findLacking: async (image) => positionsOf(image),
      async begin(image) {
        target = image;
        return positionsOf(image);
      },
      async putLayer(position, pieces) {
        const file = openTempFile(tempDirectory);
        files.set(position, file);
        for await (const piece of pieces) file.append(piece);
      },
      commit: async ({ manifest }) => ({ id: manifest.digest, names: [] }),
      abort: async () => drop(),
    },
    open() {
      if (target === undefined) throw new DidiffError('INTERNAL', `${name} were not made yet`);
      return imageOf(name, target, files, takes, drop);
    },
  };
}

function imageOf(
  name: string,
  target: TargetImage,
  files: ReadonlyMap<number, TempFile>,
  takes: ImageSink['takes'],
  drop: () => void,
): OpenedImage {
  const kept = [...files].map(([position, file]) => ({ layer: target.layers[position]!, file }));
  const unpacked = new Map<number, TempFile>();
  const openTar = async (at: number, options: StoreOptions): Promise<RandomAccess> => {
    const { layer, file } = kept[at]!;
    if (takes === 'tar' || layer.blob.digest === layer.diffId) return file;
    const before = unpacked.get(at);
    if (before !== undefined) return before;
    const tar = await unpack(file, layer.diffId, `layer ${layer.diffId} of ${name}`, options);
    unpacked.set(at, tar);
    return tar;
  };
  return {
    name,
    diffIds: kept.map(({ layer }) => layer.diffId),
    platform: target.platform,
    hasBlobs: takes === 'blob',
    readMetadata: async () => {
      const blobs = kept.map(({ layer, file }) => ({ diffId: layer.blob.digest, sizeBytes: file.sizeBytes }));
      return { config: target.config, manifest: synthesiseManifest(target.config.bytes, blobs) };
    },
    async openTars(positions, options) {
      const tars: LayerTar[] = [];
      for (const at of positions)
        tars.push({ diffId: kept[at]!.layer.diffId, content: await openTar(at, options) });
      return tars;
    },
    openBlobs: async (positions) => positions.map((at) => kept[at]!.file),
    async close() {
      for (const file of unpacked.values()) file.close();
      drop();
    },
  };
}

async function unpack(
  blob: RandomAccess,
  diffId: string,
  what: string,
  { tempDirectory, signal }: StoreOptions,
): Promise<TempFile> {
  const start = new Uint8Array(Math.min(4, blob.sizeBytes));
  blob.readAt(0, start);
  const file = openTempFile(tempDirectory);
  const digest = startDigest();
  try {
    for await (const piece of decodeBlob(blob, compressionOf(start), what, signal)) {
      digest.update(piece);
      file.append(piece);
    }
    if (digest.finish() === diffId) return file;
    throw corrupt(`${what} unpacks to something else`);
  } catch (error) {
    file.close();
    throw error;
  }
}
