/** The images that a receiver has and patches can start from. */
import type { Digest } from '../../bytes/digest.ts';
import { parseManifest } from '../../image/manifest.ts';
import type { OpenedImage, OpenOptions } from '../../image/store.ts';
import { listLayeredImages } from '../../stores/engine/images.ts';
import { openInspectedImage } from '../../stores/engine/read.ts';
import { type EngineChoice, openImage, type RegistryChoice, type SharedEngine } from '../../stores/open.ts';

/** An image, opened when something of it is needed. */
export interface Holding {
  readonly name: string;
  readonly diffIds: readonly Digest[];
  /** Digests of its layers' blobs, in their order, where its store keeps these and telling them costs nothing. */
  readonly blobs?: readonly Digest[] | undefined;
  open(): Promise<OpenedImage>;
}

/** Every image of the engine; one with a name before those without. Throws what the engine's client throws. */
export async function listEngineHoldings(
  shared: SharedEngine,
  options: OpenOptions,
): Promise<readonly Holding[]> {
  const engine = await shared.open();
  const images = await listLayeredImages(engine, options.signal);
  const named = [...images].sort((a, b) => Number(b.names.length > 0) - Number(a.names.length > 0));
  return named.map((image) => {
    const name = image.names[0] ?? image.id;
    const open = async () => openInspectedImage(engine, name, image, options);
    return { name, diffIds: image.diffIds, open };
  });
}

/** The image that `text` names, in any store. Throws as `openImage`. */
export async function nameHolding(
  text: string,
  options: OpenOptions & EngineChoice & RegistryChoice,
): Promise<Holding> {
  const image = await openImage(text, options);
  try {
    const { manifest } = image.hasBlobs ? await image.readMetadata(options) : {};
    const layers = manifest === undefined ? undefined : parseManifest(manifest.bytes, image.name).layers;
    return {
      name: image.name,
      diffIds: image.diffIds,
      blobs: layers?.map(({ digest }) => digest),
      open: () => openImage(text, options),
    };
  } finally {
    await image.close();
  }
}
