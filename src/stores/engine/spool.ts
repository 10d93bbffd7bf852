/**
 * What is kept of the archives an engine streams: by content only. Every entry is hashed, and what it is follows from
 * its digest and from nothing the archive says (names, order, links), so every layout an engine ever wrote is read
 * alike. Entries nobody wants are dropped at once: scratch disk holds what is wanted plus one layer.
 */
import { type RandomAccess, sliceAccess } from '../../bytes/access.ts';
import { type Digest, isDigest, sha256, startDigest } from '../../bytes/digest.ts';
import { openTempFile, type TempFile } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import { decodeBlob } from '../../image/decode-blob.ts';
import { MAX_CONFIG_BYTES } from '../../image/manifest.ts';
import { compressionOf } from '../../image/media-types.ts';
import type { StoreOptions } from '../../image/store.ts';
import { readTarStream, type StreamedTarEntry } from '../../tar/stream.ts';
import { MAX_LAYER_TAR_BYTES } from '../layer-content.ts';
import { isImageDocument } from './documents.ts';

/** Configs and manifests kept until it is known which of them matter. */
const MAX_DOCUMENTS_BYTES = 64 << 20;
const PEEK_BYTES = 4;
const BRACE = 0x7b;

/** What one stream is read for. */
export interface Wanted {
  /** diffIDs of the layers whose tars are kept. */
  readonly tars: ReadonlySet<Digest>;
  /** diffIDs of the layers whose blobs are kept as the engine has them. */
  readonly blobs: ReadonlySet<Digest>;
  /** Asked after each entry: whether the rest of the stream is of no use. */
  readonly isDone: () => boolean;
}

/** What was kept of all streams so far. Its calls must not overlap. */
export interface Spool {
  /** Layer tars by diffID, blobs by their own digest. */
  readonly tars: ReadonlyMap<Digest, RandomAccess>;
  readonly blobs: ReadonlyMap<Digest, RandomAccess>;
  /** Configs, manifests and indexes by digest. */
  readonly documents: ReadonlyMap<Digest, Uint8Array>;
  /**
   * The diffIDs of blobs, as far as they are known. Telling it what an image's layers are lets `read` pass over those
   * that nobody wants, where the archive names entries by their content; what is kept is proved all the same.
   */
  readonly diffIdsOfBlobs: Map<Digest, Digest>;
  /** Reads one stream. After a failure what was kept whole before stays usable. */
  read(stream: AsyncIterable<Uint8Array>, wanted: Wanted, options: StoreOptions): Promise<void>;
  /** Makes the tar of a layer from its blob, where that was kept. */
  unpack(diffId: Digest, options: StoreOptions): Promise<void>;
  close(): void;
}

interface State {
  readonly tarFile: TempFile;
  readonly blobFile: TempFile;
  readonly tars: Map<Digest, RandomAccess>;
  readonly blobs: Map<Digest, RandomAccess>;
  readonly documents: Map<Digest, Uint8Array>;
  readonly diffIdsOfBlobs: Map<Digest, Digest>;
}

export function openSpool(tempDirectory: string): Spool {
  const tarFile = openTempFile(tempDirectory);
  const blobFile = openTempFile(tempDirectory);
  const state: State = {
    tarFile,
    blobFile,
    tars: new Map(),
    blobs: new Map(),
    documents: new Map(),
    diffIdsOfBlobs: new Map(),
  };
  return {
    tars: state.tars,
    blobs: state.blobs,
    documents: state.documents,
    diffIdsOfBlobs: state.diffIdsOfBlobs,
    read: (stream, wanted, options) => readStream(state, stream, wanted, options),
    unpack: (diffId, options) => unpackKept(state, diffId, options),
    close() {
      tarFile.close();
      blobFile.close();
    },
  };
}

async function readStream(
  state: State,
  stream: AsyncIterable<Uint8Array>,
  wanted: Wanted,
  options: StoreOptions,
): Promise<void> {
  const counted = countBytes(stream, options);
  for await (const entry of readTarStream(counted)) {
    if (entry.type !== 'file' || entry.sizeBytes === 0) continue;
    const named = digestInName(entry.path);
    if (named !== undefined && isUnwanted(state, named, wanted)) continue;
    await takeEntry(state, entry, wanted, options);
    if (wanted.isDone()) return;
  }
}

/** Whether an entry of that digest is known to be of no use, or is there already. */
function isUnwanted(state: State, digest: Digest, wanted: Wanted): boolean {
  const diffId = state.diffIdsOfBlobs.get(digest);
  if (diffId === undefined) return false;
  const needsTar = wanted.tars.has(diffId) && !state.tars.has(diffId);
  const needsBlob = wanted.blobs.has(diffId) && !state.blobs.has(digest);
  return !needsTar && !needsBlob;
}

async function* countBytes(
  stream: AsyncIterable<Uint8Array>,
  options: StoreOptions,
): AsyncGenerator<Uint8Array> {
  let doneBytes = 0;
  for await (const piece of stream) {
    options.signal?.throwIfAborted();
    doneBytes += piece.length;
    options.onProgress?.({ phase: 'read from the engine', doneBytes });
    yield piece;
  }
}

/** Newer layouts name entries by their content: `blobs/sha256/<hex>`, `<hex>.tar`. */
function digestInName(path: string): Digest | undefined {
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.tar|\.json)?$/.exec(path)?.[1];
  const digest = `sha256:${hex}`;
  return isDigest(digest) ? digest : undefined;
}

async function takeEntry(
  state: State,
  entry: StreamedTarEntry,
  wanted: Wanted,
  options: StoreOptions,
): Promise<void> {
  const pieces = entry.content[Symbol.asyncIterator]();
  const start = await peek(pieces);
  if (start[0] === BRACE && entry.sizeBytes <= MAX_CONFIG_BYTES) {
    keepDocument(state, await gather(start, pieces, entry.sizeBytes));
  } else if (compressionOf(start) === 'none') {
    await takePlain(state, start, pieces, wanted);
  } else {
    await takeCompressed(state, start, pieces, wanted, options);
  }
}

async function peek(pieces: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = new Uint8Array(0);
  while (start.length < PEEK_BYTES) {
    const step = await pieces.next();
    if (step.done) break;
    start = Buffer.concat([start, step.value]);
  }
  return start;
}

async function gather(
  start: Uint8Array,
  pieces: AsyncIterator<Uint8Array>,
  sizeBytes: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let done = 0;
  for await (const piece of withStart(start, pieces)) {
    bytes.set(piece, done);
    done += piece.length;
  }
  return bytes;
}

async function* withStart(start: Uint8Array, pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (start.length > 0) yield start;
  for (let step = await pieces.next(); !step.done; step = await pieces.next()) yield step.value;
}

function keepDocument(state: State, bytes: Uint8Array): void {
  if (!isImageDocument(bytes)) return;
  let total = bytes.length;
  for (const document of state.documents.values()) total += document.length;
  if (total > MAX_DOCUMENTS_BYTES) {
    throw new DidiffError(
      'LIMIT',
      `the engine's archive has more than ${MAX_DOCUMENTS_BYTES} bytes of configs`,
    );
  }
  state.documents.set(sha256(bytes), bytes);
}

/** A layer stored plain: its digest is its diffID. */
async function takePlain(
  state: State,
  start: Uint8Array,
  pieces: AsyncIterator<Uint8Array>,
  wanted: Wanted,
): Promise<void> {
  const { digest, content } = await append(state.tarFile, withStart(start, pieces));
  const isWanted = wanted.tars.has(digest) || wanted.blobs.has(digest);
  state.diffIdsOfBlobs.set(digest, digest);
  if (!isWanted || state.tars.has(digest)) dropLast(state.tarFile, content);
  else state.tars.set(digest, content);
  const kept = state.tars.get(digest);
  if (kept !== undefined) state.blobs.set(digest, kept);
}

/** A compressed layer: stored first, for its diffID shows only when it is unpacked. */
async function takeCompressed(
  state: State,
  start: Uint8Array,
  pieces: AsyncIterator<Uint8Array>,
  wanted: Wanted,
  options: StoreOptions,
): Promise<void> {
  const blob = await append(state.blobFile, withStart(start, pieces));
  let keepsBlob = false;
  try {
    const known = state.diffIdsOfBlobs.get(blob.digest);
    const isTarWanted = known === undefined || (wanted.tars.has(known) && !state.tars.has(known));
    const diffId = isTarWanted ? await takeTar(state, blob, wanted, options) : known;
    keepsBlob = wanted.blobs.has(diffId) && !state.blobs.has(blob.digest);
    if (keepsBlob) state.blobs.set(blob.digest, blob.content);
  } finally {
    if (!keepsBlob) dropLast(state.blobFile, blob.content);
  }
}

/** Unpacks a blob, keeps the tar if it is wanted, and gives its diffID. */
async function takeTar(state: State, blob: Appended, wanted: Wanted, options: StoreOptions): Promise<Digest> {
  const { digest, content } = await unpack(state, blob, options);
  state.diffIdsOfBlobs.set(blob.digest, digest);
  if (wanted.tars.has(digest) && !state.tars.has(digest)) state.tars.set(digest, content);
  else dropLast(state.tarFile, content);
  return digest;
}

async function unpackKept(state: State, diffId: Digest, options: StoreOptions): Promise<void> {
  if (state.tars.has(diffId)) return;
  for (const [digest, content] of state.blobs) {
    if (state.diffIdsOfBlobs.get(digest) !== diffId) continue;
    const tar = await unpack(state, { digest, content }, options);
    if (tar.digest === diffId) state.tars.set(diffId, tar.content);
    else dropLast(state.tarFile, tar.content);
    return;
  }
}

interface Appended {
  readonly digest: Digest;
  readonly content: RandomAccess;
}

async function unpack(state: State, blob: Appended, options: StoreOptions): Promise<Appended> {
  const start = new Uint8Array(PEEK_BYTES);
  blob.content.readAt(0, start);
  const what = `blob ${blob.digest} of the engine`;
  const pieces = decodeBlob(blob.content, compressionOf(start), what, options.signal);
  return await append(state.tarFile, limited(pieces, blob.digest));
}

async function* limited(pieces: AsyncIterable<Uint8Array>, blob: Digest): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.length;
    if (sizeBytes > MAX_LAYER_TAR_BYTES) {
      throw new DidiffError(
        'LIMIT',
        `blob ${blob} of the engine unpacks to more than ${MAX_LAYER_TAR_BYTES} bytes`,
      );
    }
    yield piece;
  }
}

/** Appends and hashes; what a failure leaves half there is dropped again. */
async function append(file: TempFile, pieces: AsyncIterable<Uint8Array>): Promise<Appended> {
  const from = file.sizeBytes;
  const digest = startDigest();
  try {
    for await (const piece of pieces) {
      digest.update(piece);
      file.append(piece);
    }
  } catch (error) {
    file.truncate(from);
    throw error;
  }
  return { digest: digest.finish(), content: sliceAccess(file, from, digest.sizeBytes) };
}

function dropLast(file: TempFile, content: RandomAccess): void {
  file.truncate(file.sizeBytes - content.sizeBytes);
}
