/**
 * Reads images from an engine. Opening costs no stream; what is then asked for is taken from as few streams as
 * possible, and everything handed out has its digest: layers their diffIDs, documents those that name them.
 */
import type { RandomAccess } from '../../bytes/access.ts';
import type { Digest } from '../../bytes/digest.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import { parseConfig, parseManifest } from '../../image/manifest.ts';
import { formatPlatform, type Platform, samePlatform } from '../../image/platform.ts';
import type { ImageMetadata, LayerTar, OpenedImage, OpenOptions, StoreOptions } from '../../image/store.ts';
import { findMetadata, type ImageChoice } from './documents.ts';
import type { InspectedImage } from './images.ts';
import type { Engine } from './kind.ts';
import { resolveImage } from './resolve.ts';
import { openSave } from './save.ts';
import { openSpool, type Spool } from './spool.ts';

/** Finds `reference` and opens it. Throws as `resolveImage`; NOT_FOUND when it isn't there for the platform asked for. */
export async function openEngineImage(
  engine: Engine,
  reference: string,
  options: OpenOptions,
): Promise<OpenedImage> {
  const found = await resolveImage(engine, reference, options.signal);
  const platform = options.platform ?? found.platform;
  const isTold = samePlatform(platform, found.platform);
  if (!isTold && engine.kind !== 'containerd') throw wrongPlatform(engine, reference, found, platform);
  if (isTold) return openInspectedImage(engine, reference, found, options);
  const choice: ImageChoice = { id: found.id, diffIds: undefined, platform };
  const source: Source = { engine, name: reference, choice, spool: openSpool(options.tempDirectory) };
  try {
    return handOut(source, await readDiffIds(source, found, options));
  } catch (error) {
    source.spool.close();
    throw error;
  }
}

interface Source {
  readonly engine: Engine;
  /** As the user wrote it. */
  readonly name: string;
  readonly choice: ImageChoice;
  readonly spool: Spool;
}

/** An engine describes the image of its own platform only; the layers of another's stand in its config. */
async function readDiffIds(
  source: Source,
  found: InspectedImage,
  options: StoreOptions,
): Promise<readonly Digest[]> {
  const metadata = await readMetadata(source, options);
  if (metadata === undefined) throw wrongPlatform(source.engine, source.name, found, source.choice.platform);
  return parseConfig(metadata.config.bytes, `the config of ${source.name}`).diffIds;
}

/** Opens an image that the engine has described. Costs no call. */
export function openInspectedImage(
  engine: Engine,
  name: string,
  found: InspectedImage,
  options: StoreOptions,
): OpenedImage {
  const spool = openSpool(options.tempDirectory);
  return handOut({ engine, name, choice: found, spool }, found.diffIds);
}

function handOut(source: Source, diffIds: readonly Digest[]): OpenedImage {
  const { name, choice, engine, spool } = source;
  // Where entries are named by their content, these names are the layers'.
  if (engine.kind !== 'containerd') for (const diffId of diffIds) spool.diffIdsOfBlobs.set(diffId, diffId);
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work);
    last = result.catch(() => {});
    return result;
  };
  return {
    name,
    diffIds,
    platform: choice.platform,
    hasBlobs: engine.kind === 'containerd',
    readMetadata: (options) =>
      inTurn(async () => {
        const metadata = await readMetadata(source, options);
        if (metadata === undefined) throw lacks(source, 'the config or manifest');
        return metadata;
      }),
    openTars: (positions, options) => inTurn(() => openTars(source, diffIds, positions, options)),
    openBlobs: (positions, options) => inTurn(() => openBlobs(source, diffIds, positions, options)),
    close: () => inTurn(async () => spool.close()),
  };
}

function findKnown(source: Source): ImageMetadata | undefined {
  return findMetadata(source.engine.kind, source.choice, source.spool.documents);
}

async function readMetadata(source: Source, options: StoreOptions): Promise<ImageMetadata | undefined> {
  const known = findKnown(source);
  if (known !== undefined) return known;
  const isDone = (): boolean => findKnown(source) !== undefined;
  const wanted = { tars: new Set<Digest>(), blobs: new Set<Digest>(), isDone };
  const save = await openSave(source.engine, source.choice.id, 'documents', options.signal);
  await source.spool.read(save, wanted, options);
  blobDigests(source);
  return findKnown(source);
}

async function openTars(
  source: Source,
  diffIds: readonly Digest[],
  positions: readonly number[],
  options: StoreOptions,
): Promise<readonly LayerTar[]> {
  const { spool } = source;
  const wanted = positions.map((position) => diffIdAt(source, diffIds, position));
  for (const diffId of wanted) await spool.unpack(diffId, options);
  const missing = new Set(wanted.filter((diffId) => !spool.tars.has(diffId)));
  if (missing.size > 0) {
    learnBlobs(source, diffIds);
    // Reading on to the manifest costs less than another stream, should it be asked for.
    const isDone = (): boolean =>
      [...missing].every((diffId) => spool.tars.has(diffId)) &&
      (source.engine.kind !== 'containerd' || blobDigests(source) !== undefined);
    const save = await openSave(source.engine, source.choice.id, 'layers', options.signal);
    await spool.read(save, { tars: missing, blobs: new Set(), isDone }, options);
  }
  return wanted.map((diffId, index) => {
    const content = spool.tars.get(diffId);
    if (content === undefined) throw lacks(source, `layer ${positions[index]} with diffID ${diffId}`);
    return { diffId, content };
  });
}

async function openBlobs(
  source: Source,
  diffIds: readonly Digest[],
  positions: readonly number[],
  options: StoreOptions,
): Promise<readonly RandomAccess[]> {
  const wanted = new Set(positions.map((position) => diffIdAt(source, diffIds, position)));
  const find = (): readonly (RandomAccess | undefined)[] => {
    const digests = blobDigests(source);
    return positions.map((position) => source.spool.blobs.get(digests?.[position] as Digest));
  };
  const isDone = (): boolean => !find().includes(undefined);
  if (!isDone()) {
    learnBlobs(source, diffIds);
    const save = await openSave(source.engine, source.choice.id, 'layers', options.signal);
    await source.spool.read(save, { tars: new Set(), blobs: wanted, isDone }, options);
  }
  return find().map((blob, index) => {
    if (blob === undefined) throw lacks(source, `the blob of layer ${positions[index]}`);
    return blob;
  });
}

/** The digests of the layers' blobs, once the manifest is known; then noted for writers too. */
function blobDigests(source: Source): readonly Digest[] | undefined {
  const manifest = findKnown(source)?.manifest;
  if (manifest === undefined) return undefined;
  const { layers } = parseManifest(manifest.bytes, `the manifest of ${source.name}`);
  const digests = layers.map(({ digest }) => digest);
  source.engine.blobsOfImages.set(source.choice.id, digests);
  return digests;
}

/** Tells the spool which layer is behind which blob, so that those nobody wants needn't be unpacked to see. */
function learnBlobs(source: Source, diffIds: readonly Digest[]): void {
  for (const [position, digest] of (blobDigests(source) ?? []).entries()) {
    const diffId = diffIds[position];
    if (diffId !== undefined) source.spool.diffIdsOfBlobs.set(digest, diffId);
  }
}

function diffIdAt(source: Source, diffIds: readonly Digest[], position: number): Digest {
  const diffId = diffIds[position];
  if (diffId === undefined) throw new RangeError(`${source.name} has no layer ${position}`);
  return diffId;
}

function lacks(source: Source, what: string): DidiffError {
  const { engine, name, choice, spool } = source;
  const damage = spool.damage();
  return corrupt(
    `what the engine at ${engine.address} saves of image ${name} (${choice.id}) lacks ${what}` +
      (damage === undefined ? '' : `; ${damage.message}`),
    { hint: 'The store of the engine may be damaged; pull the image again.', cause: damage },
  );
}

function wrongPlatform(engine: Engine, name: string, found: InspectedImage, wanted: Platform): DidiffError {
  return new DidiffError(
    'NOT_FOUND',
    `the engine at ${engine.address} has image ${name} for ${formatPlatform(found.platform)}, not for ${formatPlatform(wanted)}`,
    { hint: `Pull it with --platform ${formatPlatform(wanted)}, or name another platform.` },
  );
}
