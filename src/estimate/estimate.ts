/**
 * What a patch would take, without making it. Everything that is cheap is done as `create` does it, with its own parts:
 * finding files again, predicting headers, ops, all of small layers. The changed files of others are matched with little
 * effort, executables without prediction, streams coded fast, and what `create` would make of that is told by constants
 * (coding.ts) and by a sample of the executables. Nothing is proved.
 */
import { brotliCompressSync } from 'node:zlib';
import { concatAccess, type RandomAccess } from '../bytes/access.ts';
import type { Digest } from '../bytes/digest.ts';
import { cachePages } from '../bytes/page-cache.ts';
import { catalogBase, PIECE_BYTES } from '../create/catalog.ts';
import type { SharedAnchors } from '../create/choose-parts.ts';
import { writeDeltaLayer } from '../create/delta-layer.ts';
import { DEFAULT_EFFORT, effortOf } from '../create/effort.ts';
import { indexAnchors } from '../create/index-anchors.ts';
import { openPartBudget } from '../create/opened/budget.ts';
import { openArchiveIndex } from '../create/opened/similar-archive.ts';
import { tableOf } from '../create/part-table.ts';
import { openViewBook, type ViewBook } from '../create/view-book.ts';
import { findRecipe, looksRecreatable } from '../deflate/find.ts';
import { type Descriptor, parseManifest } from '../image/manifest.ts';
import { startPhase } from '../image/phase.ts';
import type { ImageMetadata, LayerTar, OpenedImage, StoreOptions } from '../image/store.ts';
import { openMatcher } from '../kernels/matcher.ts';
import { openEngineFinder } from '../nested/find-engine.ts';
import { codeExactly, codeRoughly, HEADER_BYTES, HEADER_LAYER_BYTES } from './coding.ts';
import { describeFile, ROUGH_EFFORT, type RoughFile, writeRoughly } from './contents.ts';
import { estimateLargeExecutables } from './large-sample.ts';
import type { Estimate, EstimatedFile, EstimatedLayer } from './model.ts';
import { estimateExecutables } from './sample.ts';
import { divide } from './tally.ts';

/** Layers up to this size are made as `create` makes them: constants say little of what is little. */
const SMALL_LAYER_BYTES = 1 << 20;

/** Where a layer's bytes come from, and what it costs besides its changed files. */
interface PlannedLayer {
  readonly how: EstimatedLayer['how'];
  readonly tar: RandomAccess | undefined;
  readonly blob: Descriptor | undefined;
  fixedBytes: number;
}

/** Both images stay open. Throws what the stores throw. */
export async function estimatePatch(
  base: OpenedImage,
  target: OpenedImage,
  options: StoreOptions,
): Promise<Estimate> {
  const layers = await planLayers(base, target, options);
  const opened = await base.openTars([...base.diffIds.keys()], options);
  const tars = opened.map(({ diffId, content }) => ({ diffId, content: cachePages(content) }));
  const space = concatAccess(tars.map(({ content }) => content));
  const { signal, onProgress } = options;
  const reading = startPhase('reading the base', space.sizeBytes, signal, onProgress);
  const views = openViewBook(space, options.tempDirectory);
  try {
    return await estimateFrom(base, target, layers, tars, views, options, reading.tick);
  } finally {
    views.close();
  }
}

async function estimateFrom(
  base: OpenedImage,
  target: OpenedImage,
  layers: readonly PlannedLayer[],
  tars: readonly LayerTar[],
  views: ViewBook,
  options: StoreOptions,
  onRead: (bytes: number) => Promise<void>,
): Promise<Estimate> {
  const { signal, onProgress, tempDirectory } = options;
  const catalog = await catalogBase(views.space, tars, onRead);
  const opening = { views, engines: openEngineFinder(), similar: openArchiveIndex(catalog), tempDirectory };
  const total = layers.reduce((sum, { how, tar }) => sum + (how === 'delta' ? tar!.sizeBytes : 0), 0);
  const comparing = startPhase('comparing', total, signal, onProgress);
  const indexing = startPhase('indexing the base', catalog.space.sizeBytes, signal, onProgress);
  let index: Promise<SharedAnchors> | undefined;
  const anchors = () =>
    (index ??= indexAnchors(catalog.space, tableOf(catalog.files), ROUGH_EFFORT.maxAnchors, indexing.tick));
  const shared = { catalog, anchors, matcher: openMatcher(), tick: comparing.tick, opening };
  const coding = { ...options, effort: effortOf(DEFAULT_EFFORT), threads: 1 };
  const files: EstimatedFile[] = [];
  const executables: RoughFile[] = [];
  const large: RoughFile[] = [];
  const waiting: (() => Promise<void>)[] = [];
  try {
    for (const [position, layer] of layers.entries()) {
      if (layer.how !== 'delta') continue;
      const rough: RoughFile[] = [];
      const isSmall = layer.tar!.sizeBytes <= SMALL_LAYER_BYTES;
      const effort = isSmall ? coding.effort : ROUGH_EFFORT;
      const budget = openPartBudget(layer.tar!.sizeBytes);
      const program = await writeDeltaLayer(layer.tar!, {
        ...shared,
        ...opening,
        effort,
        early: undefined,
        counts: { same: 0, changed: 0, added: 0, predicted: 0 },
        writeChanged: async (writer, file) =>
          void rough.push(await writeRoughly(writer, file, position, budget, { ...shared, effort })),
        scratch: [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)],
      });
      executables.push(...rough.filter(({ match }) => match !== undefined));
      large.push(...rough.filter((each) => each.large !== undefined));
      const written = rough.filter((each) => each.match === undefined && each.large === undefined);
      const coded = isSmall ? codeExactly(program, coding) : codeRoughly(program, signal);
      // Told when it is waited for: brotli has threads of its own, and may be at it while the next files are matched.
      coded.catch(() => {});
      waiting.push(async () => {
        const streams = await coded;
        const ofFiles = divide(program, streams, written);
        const codedBytes = streams.reduce((sum, bytes) => sum + bytes, 0);
        layer.fixedBytes += ofFiles.reduce((left, bytes) => left - bytes, codedBytes);
        files.push(...written.map((each, at) => describeFile(each, ofFiles[at]!)));
      });
    }
    const all = { ...shared, effort: coding.effort };
    let matchedBytes = 0;
    for (const [found, estimateOf] of [
      [executables, estimateExecutables],
      [large, estimateLargeExecutables],
    ] as const) {
      const sampled = await estimateOf(found, all, coding);
      files.push(...found.map((each, at) => describeFile(each, sampled.bytes[at]!)));
      matchedBytes += sampled.matchedBytes;
    }
    for (const each of waiting) await each();
    files.sort((a, b) => b.estimatedBytes - a.estimatedBytes || (a.path < b.path ? -1 : 1));
    const metadata = await target.readMetadata(options);
    const baseTars = tars.map(({ diffId, content }) => [diffId, content.sizeBytes] as const);
    return summarise(base, target, layers, baseTars, files, metadata, matchedBytes);
  } finally {
    if (index !== undefined) (await index).index.close();
  }
}

async function planLayers(
  base: OpenedImage,
  target: OpenedImage,
  options: StoreOptions,
): Promise<readonly PlannedLayer[]> {
  const own = [...target.diffIds.keys()].filter((at) => !base.diffIds.includes(target.diffIds[at]!));
  const descriptors = target.hasBlobs ? manifestLayers(await target.readMetadata(options)) : undefined;
  const packed = own.filter(
    (at) => descriptors !== undefined && descriptors[at]!.digest !== target.diffIds[at],
  );
  const blobs = await target.openBlobs(packed, options);
  const opened = await target.openTars(own, options);
  const tars = opened.map(({ content }) => cachePages(content));
  const layers: PlannedLayer[] = [];
  for (const at of target.diffIds.keys()) {
    const tar = tars[own.indexOf(at)];
    const blob = descriptors?.[at];
    const content = blobs[packed.indexOf(at)];
    if (tar === undefined) layers.push({ how: 'base', tar, blob, fixedBytes: 0 });
    else if (content === undefined) layers.push({ how: 'delta', tar, blob, fixedBytes: 0 });
    else {
      options.onProgress?.({ phase: 'looking for the encoder', doneBytes: 0 });
      const recipeBytes =
        content.sizeBytes > SMALL_BLOB_BYTES &&
        (await looksRecreatable(content, tar, { signal: options.signal }))
          ? RECIPE_BYTES
          : (await findRecipe(content, tar, { signal: options.signal }))?.recipe.length;
      const isMade =
        recipeBytes !== undefined && recipeBytes <= Math.max(256, content.sizeBytes * MOST_RECIPE);
      layers.push({
        how: isMade ? 'delta' : 'blob',
        tar,
        blob,
        fixedBytes: isMade ? recipeBytes : content.sizeBytes,
      });
    }
  }
  return layers;
}

/** Of smaller blobs the very recipe is found: it may be a large part of their patch. */
const SMALL_BLOB_BYTES = 512 << 10;
/** Of an encoder that is known; what else a recipe may hold is rare. */
const RECIPE_BYTES = 30;
/** A recipe larger than this part of its blob is not worth it. */
const MOST_RECIPE = 0.1;

function manifestLayers({ manifest }: ImageMetadata): readonly Descriptor[] | undefined {
  return manifest && parseManifest(manifest.bytes, "the target's manifest").layers;
}

/** What frames a section of 16 KiB. */
const FRAMING = 1 + 20 / (1 << 14);

function summarise(
  base: OpenedImage,
  target: OpenedImage,
  planned: readonly PlannedLayer[],
  baseTars: readonly (readonly [Digest, number])[],
  files: readonly EstimatedFile[],
  metadata: ImageMetadata,
  matchedBytes: number,
): Estimate {
  const sizes = new Map(baseTars);
  const layers = planned.map(({ how, tar, blob, fixedBytes }, position): EstimatedLayer => {
    const diffId = target.diffIds[position]!;
    const ofFiles = files.reduce((sum, file) => sum + (file.layer === position ? file.estimatedBytes : 0), 0);
    return {
      diffId,
      tarBytes: tar?.sizeBytes ?? sizes.get(diffId) ?? 0,
      how,
      estimatedBytes: Math.round((fixedBytes + ofFiles) * FRAMING),
      ...(blob === undefined ? {} : { blobBytes: blob.sizeBytes }),
    };
  });
  const documents = [metadata.config, metadata.manifest, metadata.index].flatMap((each) => each?.bytes ?? []);
  const frame =
    brotliCompressSync(Buffer.concat(documents)).length + HEADER_BYTES + HEADER_LAYER_BYTES * layers.length;
  const pulled = layers.filter(({ how }) => how !== 'base');
  return {
    base: base.name,
    target: target.name,
    estimatedBytes: layers.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, frame),
    ...(metadata.manifest === undefined
      ? {}
      : { pullBytes: pulled.reduce((sum, { blobBytes = 0 }) => sum + blobBytes, 0) }),
    layers,
    files,
    changedBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    matchedBytes,
  };
}
