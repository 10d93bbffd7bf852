/**
 * Makes a bundle: a patch for each platform of an index, and all else that the index names, in one file. Layers that
 * several platforms get are made once, where that is smaller. What is written is read back before it is moved into place.
 */
import { Readable } from 'node:stream';
import { brotliCompressSync, constants, createBrotliCompress } from 'node:zlib';
import { type RandomAccess, readPieces, sliceAccess } from '../bytes/access.ts';
import type { Digest } from '../bytes/digest.ts';
import { openPendingFile, openTempFile, type PendingFile } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import { joinLayers, type LayerPlace, placesIn } from '../image/joined-image.ts';
import { parseManifest } from '../image/manifest.ts';
import { formatPlatform, type Platform, samePlatform } from '../image/platform.ts';
import type { IndexedImage, OpenedImage, OpenedIndex, StoreOptions } from '../image/store.ts';
import { blobsNamedBy } from '../patch/bundle.ts';
import { type BundleHeader, encodeBundleHeader, MAX_BLOB_STREAM_BYTES } from '../patch/bundle-header.ts';
import { SECTION_DOCUMENTS, SECTION_HEADER } from '../patch/format.ts';
import { FEATURE_PLATFORMS } from '../patch/header.ts';
import { openSections, sectionFramer } from '../patch/sections.ts';
import { type CreateOptions, createPatchIn } from './create.ts';
import { portableName, WRITER } from './header.ts';
import { proveBundle } from './prove-bundle.ts';
import type { CreateReport } from './report.ts';
import { findSharedLayers, type SharedLayers, type SharingImage } from './shared-layers.ts';

/** What receivers have: an image per platform, or one image. */
export interface BundleBase {
  readonly name: string;
  readonly images: readonly Pick<IndexedImage, 'platform' | 'open'>[];
}

export interface PlatformReport {
  readonly platform: string;
  readonly manifest: Digest;
  /** Whether the base has an image for it; if not, all its layers are in the bundle. */
  readonly hasBase: boolean;
  /** As one for its platform alone would be reported. */
  readonly report: CreateReport;
}

export interface BundleReport {
  readonly patchBytes: number;
  readonly base: string;
  readonly target: string;
  readonly index: Digest;
  readonly platforms: readonly PlatformReport[];
  /** Layers that several platforms take from the bundle, made once. */
  readonly shared?: { readonly layers: number; readonly patchBytes: number };
  /** Attestations and whatever else the index names; carried as they are. */
  readonly others: { readonly manifests: number; readonly patchBytes: number };
}

/**
 * Writes the bundle that turns `base` into all that `target` names to `path`. Throws what `createPatch` does, and
 * UNSUPPORTED for an index without images; the file at `path` is untouched unless everything was proved.
 */
export async function createBundle(
  base: BundleBase,
  target: OpenedIndex,
  path: string,
  options: CreateOptions,
): Promise<BundleReport> {
  if (target.images.length === 0)
    throw new DidiffError('UNSUPPORTED', `${target.name} is an index that names no image`);
  openPendingFile(path).abort();
  const owned: { close(): void }[] = [];
  try {
    const blobs = await codeBlobs(target, options);
    owned.push(blobs.file);
    const made = await makeParts(base, target, options, owned);
    const pending = openPendingFile(path);
    try {
      await writeBundle(pending, base, target, blobs, made);
      await proveBundle(pending.written, options);
      options.signal?.throwIfAborted();
      pending.commit();
    } catch (error) {
      pending.abort();
      throw error;
    }
    const { shared, images } = made;
    return {
      patchBytes: pending.sizeBytes,
      base: base.name,
      target: target.name,
      index: target.index.digest,
      platforms: images.map(({ image, hasBase, report }) => ({
        platform: formatPlatform(image.platform),
        manifest: image.digest,
        hasBase,
        report,
      })),
      ...(shared === undefined
        ? {}
        : { shared: { layers: shared.report.layers.length, patchBytes: shared.file.sizeBytes } }),
      others: { manifests: target.others.length, patchBytes: blobs.file.sizeBytes },
    };
  } finally {
    for (const each of owned) each.close();
  }
}

/** A patch in a scratch file. */
interface Made {
  readonly file: RandomAccess;
  readonly report: CreateReport;
}

type MadeImage = Made & { readonly image: IndexedImage; readonly hasBase: boolean };

interface MadeParts {
  readonly shared?: Made | undefined;
  readonly images: readonly MadeImage[];
}

type Owned = { close(): void }[];

async function makeParts(
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

interface CodedBlobs {
  readonly blobs: BundleHeader['blobs'];
  readonly file: ReturnType<typeof openTempFile>;
}

/** What manifests name that are no images, each once, as one stream: those of different platforms are much alike. */
async function codeBlobs(target: OpenedIndex, options: StoreOptions): Promise<CodedBlobs> {
  const named = new Map(target.others.flatMap(blobsNamedBy).map((blob) => [blob.digest, blob]));
  const total = [...named.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > MAX_BLOB_STREAM_BYTES) {
    throw new DidiffError(
      'LIMIT',
      `${target.name} names ${total} bytes besides its images; at most ${MAX_BLOB_STREAM_BYTES} are taken`,
      { hint: 'Make a patch for each platform, with --platform.' },
    );
  }
  const file = openTempFile(options.tempDirectory);
  if (named.size === 0) return { blobs: [], file };
  const pieces = async function* () {
    for (const blob of named.values()) {
      options.signal?.throwIfAborted();
      for (const piece of readPieces(await target.openBlob(blob, options))) yield Uint8Array.from(piece);
    }
  };
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 24 };
  try {
    const coder = createBrotliCompress({ params });
    const source = Readable.from(pieces(), { objectMode: false });
    source.on('error', (error) => coder.destroy(error));
    for await (const coded of source.pipe(coder)) file.append(coded as Uint8Array);
  } catch (error) {
    file.close();
    throw error;
  }
  return { blobs: [...named.values()].map(({ digest, sizeBytes }) => ({ digest, sizeBytes })), file };
}

async function writeBundle(
  pending: PendingFile,
  base: BundleBase,
  target: OpenedIndex,
  coded: CodedBlobs,
  { shared, images }: MadeParts,
): Promise<void> {
  const parts = [
    ...(shared === undefined ? [] : [{ file: shared.file, entry: undefined }]),
    ...images.map(({ file, image }) => ({ file, entry: image.entry })),
  ];
  const heads: number[] = [];
  for (const { file } of parts) heads.push(await headSize(file));
  const document = ({ mediaType, digest, bytes }: OpenedIndex['index']) => ({
    mediaType,
    digest,
    sizeBytes: bytes.length,
  });
  const header: BundleHeader = {
    writer: WRITER,
    requires: [FEATURE_PLATFORMS],
    baseName: portableName(base.name),
    targetName: portableName(target.name),
    index: document(target.index),
    manifests: target.others.map(document),
    blobs: coded.blobs,
    blobStreamBytes: coded.file.sizeBytes,
    parts: parts.map(({ file, entry }, at) => ({
      entry,
      headBytes: heads[at]!,
      bodyBytes: file.sizeBytes - heads[at]!,
    })),
  };
  const framer = sectionFramer();
  pending.append(framer.start());
  pending.append(framer.section(SECTION_HEADER, encodeBundleHeader(header)));
  const documents = [target.index, ...target.others].map(({ bytes }) => bytes);
  pending.append(framer.section(SECTION_DOCUMENTS, brotliCompressSync(Buffer.concat(documents))));
  for (const piece of readPieces(coded.file)) pending.append(piece);
  for (const [at, { file }] of parts.entries())
    for (const piece of readPieces(sliceAccess(file, 0, heads[at]!))) pending.append(piece);
  for (const [at, { file }] of parts.entries())
    for (const piece of readPieces(sliceAccess(file, heads[at]!, file.sizeBytes - heads[at]!)))
      pending.append(piece);
}

/** How much of a patch its header and documents take. */
async function headSize(file: RandomAccess): Promise<number> {
  const sections = openSections(piecesOf(file));
  await sections.next();
  const { offset, fileBytes } = await sections.next();
  await sections.close();
  return offset + fileBytes;
}

async function* piecesOf(file: RandomAccess): AsyncGenerator<Uint8Array> {
  yield* readPieces(file);
}
