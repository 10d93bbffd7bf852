/** What the parts of a bundle are made from: bases that are found for them, and layers that parts share. */
import type { Digest } from '../bytes/digest.ts';
import { joinLayers, placesIn } from '../image/joined-image.ts';
import type { Platform } from '../image/platform.ts';
import type { ImageSink, OpenedImage, StoreOptions } from '../image/store.ts';
import type { BundleParts, OpenedPart } from '../patch/bundle.ts';
import type { PatchReader } from '../patch/reader.ts';
import { applyPatch } from './apply.ts';
import { neededDiffIds } from './base.ts';
import { keepLayers } from './made-layers.ts';

/** What a part of a bundle starts from. */
export interface WantedBase {
  readonly needed: readonly Digest[];
  /** As the maker named it. */
  readonly name: string;
  readonly platform: Platform;
}

/** Finds a base; what it gives is closed again. */
export type OpenBase = (wanted: WantedBase) => Promise<OpenedImage>;

export interface Bases {
  /** What a part starts from: a base, and where it takes any, the layers that parts share. To be closed. */
  open(part: OpenedPart): Promise<OpenedImage>;
  close(): Promise<void>;
}

/** Bases of a bundle's parts. Shared layers are made when the first part asks for some, from its base. */
export function openBases(
  { shared, images }: BundleParts,
  takes: ImageSink['takes'],
  openBase: OpenBase,
  options: StoreOptions,
): Bases {
  const made =
    shared === undefined
      ? new Set<Digest>()
      : new Set(shared.reader.header.target.layers.map((each) => each.diffId));
  let kept: OpenedImage | undefined;
  return {
    async open({ reader: { header }, platform }) {
      const needed = neededDiffIds(header);
      const taken = needed.filter((diffId) => made.has(diffId));
      if (taken.length === 0) return await openOwn(needed, header.base.name, platform, openBase);
      const start = neededDiffIds(shared!.reader.header);
      const own = [...new Set([...start, ...needed.filter((diffId) => !made.has(diffId))])];
      const base = await openOwn(own, header.base.name, platform, openBase);
      try {
        kept ??= await makeShared(shared!.reader, base, takes, wantedBy(images, made), options);
        const joined = joinLayers(base.name, platform, [...placesIn(base), ...placesIn(kept)]);
        return { ...joined, close: () => base.close() };
      } catch (error) {
        await base.close();
        throw error;
      }
    },
    async close() {
      await kept?.close();
    },
  };
}

/** Nothing is looked for where nothing is needed. */
async function openOwn(
  needed: readonly Digest[],
  name: string,
  platform: Platform,
  openBase: OpenBase,
): Promise<OpenedImage> {
  if (needed.length === 0) return joinLayers('no base', platform, []);
  return await openBase({ needed, name, platform });
}

function wantedBy(images: readonly OpenedPart[], made: ReadonlySet<Digest>): ReadonlySet<Digest> {
  return new Set(
    images.flatMap(({ reader }) => neededDiffIds(reader.header).filter((diffId) => made.has(diffId))),
  );
}

async function makeShared(
  patch: PatchReader,
  base: OpenedImage,
  takes: ImageSink['takes'],
  wanted: ReadonlySet<Digest>,
  options: StoreOptions,
): Promise<OpenedImage> {
  const layers = keepLayers(takes, wanted, options);
  // The base is still needed: it is closed by who opened it.
  const open = async () => joinLayers(base.name, base.platform, placesIn(base));
  await applyPatch(patch, open, layers.sink, {
    tempDirectory: options.tempDirectory,
    signal: options.signal,
  });
  return layers.open();
}
