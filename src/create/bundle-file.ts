/** The file of a bundle: its header, its documents, what else the index names, and the patches of its parts. */
import { Readable } from 'node:stream';
import { brotliCompressSync, constants, createBrotliCompress } from 'node:zlib';
import { type RandomAccess, readPieces, sliceAccess } from '../bytes/access.ts';
import { openTempFile, type PendingFile } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import type { OpenedIndex, StoreOptions } from '../image/store.ts';
import { blobsNamedBy } from '../patch/bundle.ts';
import { type BundleHeader, encodeBundleHeader, MAX_BLOB_STREAM_BYTES } from '../patch/bundle-header.ts';
import { SECTION_DOCUMENTS, SECTION_HEADER } from '../patch/format.ts';
import { FEATURE_PLATFORMS } from '../patch/header.ts';
import { openSections, sectionFramer } from '../patch/sections.ts';
import type { BundleBase, MadeParts } from './bundle-parts.ts';
import { portableName, WRITER } from './header.ts';

/** What manifests name that are no images, coded, in a scratch file that the caller closes. */
export interface CodedBlobs {
  readonly blobs: BundleHeader['blobs'];
  readonly file: ReturnType<typeof openTempFile>;
}

/**
 * Codes what manifests name that are no images, each once, as one stream: those of different platforms are much alike.
 * Throws LIMIT for too much of it.
 */
export async function codeBlobs(target: OpenedIndex, options: StoreOptions): Promise<CodedBlobs> {
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

/** Writes all of a bundle (docs/format.md, section 11): the heads of all parts, then their bodies. */
export async function writeBundle(
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
