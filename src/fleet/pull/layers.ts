/**
 * Layers that are in the cache: fetched whole or made by a patch. Their files are called `DIFFID-STORED`, so that what is
 * there needs no list that could be out of step; STORED is the diffID again where the layer lies as its tar.
 */
import { readPieces } from '../../bytes/access.ts';
import { type Digest, digestHex, isDigest } from '../../bytes/digest.ts';
import type { ImageSink, StoreOptions, TargetImage, TargetLayer } from '../../image/store.ts';
import type { Cache } from '../../stores/cache/cache.ts';
import { openLayerContent } from '../../stores/layer-content.ts';

export interface KeptLayer {
  readonly name: string;
  readonly diffId: Digest;
  readonly stored: Digest;
}

export type LayerForm = ImageSink['takes'];

export function keptLayer(layer: TargetLayer, form: LayerForm): KeptLayer {
  const stored = form === 'tar' ? layer.diffId : layer.blob.digest;
  return { name: `${digestHex(layer.diffId)}-${digestHex(stored)}`, diffId: layer.diffId, stored };
}

export function listKeptLayers(cache: Cache): readonly KeptLayer[] {
  return cache.list().flatMap((name) => {
    const [diffId, stored] = name.split('-').map((hex) => `sha256:${hex}`);
    return isDigest(diffId) && isDigest(stored) ? [{ name, diffId, stored }] : [];
  });
}

/** Reads every layer that is there, so that none is counted on that was damaged since. */
export async function proveKeptLayers(cache: Cache, signal: AbortSignal | undefined): Promise<void> {
  for (const { name, stored } of listKeptLayers(cache)) (await cache.find(name, stored, signal))?.close();
}

/** What names a layer among what there is to be got: its tar, or its blob where that is what the destination takes. */
export function tokenOf(layer: TargetLayer, form: LayerForm): Digest {
  return form === 'tar' ? layer.diffId : layer.blob.digest;
}

/** Turns a layer that was fetched into its tar. Throws CORRUPT_INPUT when that hasn't the diffID. */
export async function unpackKept(cache: Cache, layer: TargetLayer, options: StoreOptions): Promise<void> {
  const [packed, plain] = [keptLayer(layer, 'blob'), keptLayer(layer, 'tar')];
  if (packed.name === plain.name) return;
  const blob = await cache.find(packed.name, packed.stored, options.signal);
  if (blob === undefined) throw new RangeError(`${packed.name} is not in the cache`);
  try {
    const { content, close } = await openLayerContent(
      blob,
      { what: `layer ${layer.diffId}`, diffId: layer.diffId },
      { ...options, tempDirectory: cache.directory },
    );
    try {
      const file = cache.grow(plain.name);
      file.restart();
      for (const piece of readPieces(content)) file.append(piece);
      file.commit();
    } finally {
      close();
    }
  } finally {
    blob.close();
  }
  cache.remove(packed.name);
}

/**
 * The cache as a destination: takes the layers that `isWanted`, in `form`, and keeps each as soon as it is whole. Unlike
 * other destinations it keeps them also when the rest fails: they are proved, and the next try needs them.
 */
export function openKeptSink(
  cache: Cache,
  form: LayerForm,
  isWanted: (layer: TargetLayer) => boolean,
): ImageSink {
  let target: TargetImage | undefined;
  const findLacking = async ({ layers }: TargetImage): Promise<readonly number[]> => {
    const seen = new Set(listKeptLayers(cache).map(({ name }) => name));
    return [...layers.keys()].filter((position) => {
      const layer = layers[position]!;
      const { name } = keptLayer(layer, form);
      return isWanted(layer) && !seen.has(name) && seen.add(name);
    });
  };
  return {
    name: `the cache in ${cache.directory}`,
    takes: form,
    directory: cache.directory,
    find: async () => undefined,
    findLacking,
    async begin(image) {
      target = image;
      return await findLacking(image);
    },
    async putLayer(position, pieces) {
      const { name } = keptLayer(target!.layers[position]!, form);
      const file = cache.grow(name);
      try {
        file.restart();
        for await (const piece of pieces) file.append(piece);
        file.commit();
      } finally {
        file.close();
      }
    },
    commit: async ({ manifest }) => ({ id: manifest.digest, names: [] }),
    async abort() {},
  };
}
