/** Compares two images, from whatever stores: their layers, configs, histories, and file by file what they unpack to. */
import { formatPlatform } from '../../image/platform.ts';
import type { ImageMetadata, OpenedImage, StoreOptions } from '../../image/store.ts';
import { readTrees } from '../rootfs/read.ts';
import { compareFiles, NO_CHANGES } from './compare-files.ts';
import { compareConfigs } from './config.ts';
import { chooseByGlobs } from './glob.ts';
import { compareLayers, differs, layeredImage } from './layers.ts';
import type { ImageDiff, ImageFacts } from './model.ts';

export interface DiffOptions extends StoreOptions {
  /** Leaves out times, what tells of the build, and the order of what has none; and so how files are in layers. */
  readonly semantic?: boolean | undefined;
  /** Globs. When there are any, only files of those paths are compared, and nothing else of the images. */
  readonly paths?: readonly string[] | undefined;
  /** Globs of paths that are left out. */
  readonly exclude?: readonly string[] | undefined;
}

/**
 * Reads every layer once at most, and nothing of layers when the images have the same. Scratch files for what isn't
 * stored plain; the memory is that of the names. Throws USAGE for a glob that isn't one, and what the stores throw.
 */
export async function diffImages(
  base: OpenedImage,
  target: OpenedImage,
  options: DiffOptions,
): Promise<ImageDiff> {
  const { semantic = false, paths = [], exclude = [] } = options;
  const isWhole = paths.length === 0 && exclude.length === 0;
  const includes = isWhole ? undefined : chooseByGlobs(paths, exclude);
  const isSame = base.diffIds.join() === target.diffIds.join();
  const trees = isSame ? undefined : await readTrees(base, target, options);
  const files = trees ? await compareFiles(trees, { ...options, semantic, includes }) : NO_CHANGES;
  const [ofBase, ofTarget] = [await base.readMetadata(options), await target.readMetadata(options)];
  const layers = compareLayers(layeredImage(base, ofBase), layeredImage(target, ofTarget), trees?.tarBytes);
  const { config, history } = compareConfigs(ofBase.config, ofTarget.config, semantic);
  const isOther =
    config.length > 0 ||
    history.removed.length + history.added.length > 0 ||
    (!semantic && (layers.some(differs) || ofBase.config.digest !== ofTarget.config.digest));
  return {
    base: factsOf(base, ofBase),
    target: factsOf(target, ofTarget),
    differ: files.changes.length > 0 || (isWhole && isOther),
    semantic,
    ...(isWhole ? { layers, config, history } : {}),
    files,
  };
}

function factsOf({ name, platform }: OpenedImage, { config, manifest }: ImageMetadata): ImageFacts {
  return {
    name,
    platform: formatPlatform(platform),
    config: config.digest,
    ...(manifest === undefined ? {} : { manifest: manifest.digest }),
  };
}
