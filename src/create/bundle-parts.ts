/** The patches of a bundle, one for each platform. Layers that several platforms get are made once, where that is smaller. */
import type { RandomAccess } from '../bytes/access.ts';
import { openTempFile, type PendingFile } from '../bytes/file.ts';
import { joinLayers, type LayerPlace, placesIn } from '../image/joined-image.ts';
import { parseManifest } from '../image/manifest.ts';
import { type Platform, samePlatform } from '../image/platform.ts';
import type { IndexedImage, OpenedImage, OpenedIndex, StoreOptions } from '../image/store.ts';
import { type CreateOptions, createPatchIn } from './create.ts';
import type { CreateReport } from './report.ts';
import { findSharedLayers, type SharedLayers, type SharingImage } from './shared-layers.ts';

/** What receivers have: an image per platform, or one image. */
export interface BundleBase {
  readonly name: string;
  readonly images: readonly Pick<IndexedImage, 'platform' | 'open'>[];
}

/** A patch in a scratch file. */
export interface Made {
  readonly file: RandomAccess;
  readonly report: CreateReport;
}

export type MadeImage = Made & { readonly image: IndexedImage; readonly hasBase: boolean };

export interface MadeParts {
  readonly shared?: Made | undefined;
  readonly images: readonly MadeImage[];
}

type Owned = { close(): void }[];

/** Makes all patches, of those in scratch files that `owned` gets. Throws what `createPatch` does. */
export async function makeParts(
  base: BundleBase,
  target: OpenedIndex,
  options: CreateOptions,
  owned: Owned,
): Promise<MadeParts> {
  const images: MadeImage[] = [];
  const sharing: SharingImage[] = [];
  for (const image of target.images) {
    const from = base.images.find(({ platform }) => samePlatform(platform, image.platform));
    await withImages([from, image], async ([opened, to]) => {
      const start = opened ?? noBase(base.name, to!.platform);
      const made = await makePart(start, to!, options, owned);
      const hasBase = opened !== undefined;
      images.push({ ...made, image, hasBase });
      sharing.push({ hasBase, ...(await describe(start, to!, made.report, options)) });
    });
  }
  const shared = findSharedLayers(sharing);
  if (shared === undefined) return { images };
  const once = await shareLayers(base, images, shared, options, owned);
  return once !== undefined && sizeOf(once) < sizeOf({ images }) ? once : { images };
}

/** Makes the shared layers once, and the patches of those that take them anew; undefined when that can't be smaller. */
async function shareLayers(
  base: BundleBase,
  before: readonly MadeImage[],
  shared: SharedLayers,
  options: CreateOptions,
  owned: Owned,
): Promise<MadeParts | undefined> {
  const first = before[shared.users[0]!]!;
  const findBase = ({ image }: MadeImage) =>
    base.images.find(({ platform }) => samePlatform(platform, image.platform));
  const sources = [...new Set(shared.layers.map(({ image }) => image))];
  return await withImages(
    [findBase(first), ...sources.map((at) => before[at]!.image)],
    async ([from, ...opened]) => {
      const layers: LayerPlace[] = shared.layers.map(({ image, position }) => ({
        image: opened[sources.indexOf(image)]!,
        position,
      }));
      const { platform } = opened[0]!;
      const common = from === undefined ? [] : shared.base.map(({ position }) => ({ image: from, position }));
      const once = await makePart(
        joinLayers(base.name, platform, common),
        joinLayers(opened[0]!.name, platform, layers),
        options,
        owned,
      );
      if (once.file.sizeBytes >= shared.patchBytes) return undefined;
      const images: MadeImage[] = [];
      for (const [at, made] of before.entries()) {
        if (!shared.users.includes(at)) images.push(made);
        else
          await withImages([findBase(made), made.image], async ([own, to]) => {
            const needed = layers.filter(({ image, position }) => {
              const diffId = image.diffIds[position]!;
              return to!.diffIds.includes(diffId) && !own?.diffIds.includes(diffId);
            });
            const places = [...(own === undefined ? [] : placesIn(own)), ...needed];
            const start = joinLayers(own?.name ?? base.name, to!.platform, places);
            const again = await makePart(start, to!, options, owned);
            const { pullBytes } = made.report;
            images.push({ ...made, file: again.file, report: { ...again.report, pullBytes } });
          });
      }
      return { shared: once, images };
    },
  );
}

async function makePart(
  base: OpenedImage,
  target: OpenedImage,
  options: CreateOptions,
  owned: Owned,
): Promise<Made> {
  const opened: ReturnType<typeof openTempFile>[] = [];
  const openFile = (): PendingFile => {
    const file = openTempFile(options.tempDirectory);
    opened.push(file);
    owned.push(file);
    return pendingIn(file);
  };
  const report = await createPatchIn(base, target, openFile, options);
  return { file: opened.at(-1)!, report };
}

function pendingIn(file: ReturnType<typeof openTempFile>): PendingFile {
  return {
    get sizeBytes() {
      return file.sizeBytes;
    },
    append: (bytes) => file.append(bytes),
    written: file,
    commit() {},
    abort: () => file.close(),
  };
}

/** Of a platform that receivers don't have, nothing is known. */
function noBase(name: string, platform: Platform): OpenedImage {
  return joinLayers(name, platform, []);
}

async function describe(
  base: OpenedImage,
  target: OpenedImage,
  report: CreateReport,
  options: StoreOptions,
): Promise<Omit<SharingImage, 'hasBase'>> {
  const { manifest } = await target.readMetadata(options);
  const { layers } = parseManifest(manifest!.bytes, `the manifest of ${target.name}`);
  return {
    base: base.diffIds,
    layers: report.layers.map(({ diffId, patchBytes }, position) => ({
      diffId,
      patchBytes,
      blob: layers[position]!.digest,
    })),
  };
}

/** Opens those that are there; all are closed afterwards, the last first. */
async function withImages<T>(
  images: readonly (Pick<IndexedImage, 'open'> | undefined)[],
  work: (opened: readonly (OpenedImage | undefined)[]) => Promise<T>,
): Promise<T> {
  const opened: (OpenedImage | undefined)[] = [];
  try {
    for (const image of images) opened.push(await image?.open());
    return await work(opened);
  } finally {
    for (const image of opened.reverse()) await image?.close();
  }
}

function sizeOf({ shared, images }: MadeParts): number {
  return images.reduce((sum, { file }) => sum + file.sizeBytes, shared?.file.sizeBytes ?? 0);
}
