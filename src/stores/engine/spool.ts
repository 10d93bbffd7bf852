/**
 * What is kept of the archives an engine streams: by content only. Every entry is hashed, and what it is follows from
 * its digest and from nothing the archive says (names, order, links), so every layout an engine ever wrote is read
 * alike. Entries nobody wants are dropped at once: scratch disk holds what is wanted plus one layer.
 */
import type { RandomAccess } from '../../bytes/access.ts';
import { type Digest, isDigest, sha256 } from '../../bytes/digest.ts';
import { openTempFile, type TempFile } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import { MAX_CONFIG_BYTES } from '../../image/manifest.ts';
import { compressionOf } from '../../image/media-types.ts';
import type { StoreOptions } from '../../image/store.ts';
import { readTarStream, type StreamedTarEntry } from '../../tar/stream.ts';
import { throwIfAborted } from './cancel.ts';
import { isImageDocument } from './documents.ts';
import { type Appended, appendTo, dropLast, gather, peek, unpackTo, withStart } from './spool-file.ts';

/** Configs and manifests kept until it is known which of them matter. */
const MAX_DOCUMENTS_BYTES = 64 << 20;
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
  /** The first entry that could not be unpacked: the reason why a layer is missing, if one is. */
  damage(): DidiffError | undefined;
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
  damage: DidiffError | undefined;
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
    damage: undefined,
  };
  return {
    tars: state.tars,
    blobs: state.blobs,
    documents: state.documents,
    diffIdsOfBlobs: state.diffIdsOfBlobs,
    damage: () => state.damage,
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
    if (entry.type !== 'file') continue;
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
    throwIfAborted(options.signal);
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
  // A layer tar may start with a brace too: its first bytes are the name of its first file.
  if (start[0] === BRACE && entry.sizeBytes <= MAX_CONFIG_BYTES) {
    const bytes = await gather(start, pieces, entry.sizeBytes);
    if (isImageDocument(bytes)) keepDocument(state, bytes);
    else await takePlain(state, [bytes], wanted);
  } else if (compressionOf(start) === 'none') {
    await takePlain(state, withStart(start, pieces), wanted);
  } else {
    await takeCompressed(state, withStart(start, pieces), wanted, options);
  }
}

function keepDocument(state: State, bytes: Uint8Array): void {
  let total = bytes.length;
  for (const document of state.documents.values()) total += document.length;
  if (total > MAX_DOCUMENTS_BYTES) {
    throw new DidiffError(
      'LIMIT',
      `the engine's archive has more than ${MAX_DOCUMENTS_BYTES} bytes of configs and manifests`,
    );
  }
  state.documents.set(sha256(bytes), bytes);
}

/** A layer stored plain: its digest is its diffID. */
async function takePlain(
  state: State,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  wanted: Wanted,
): Promise<void> {
  const { digest, content } = await appendTo(state.tarFile, pieces);
  const isWanted = wanted.tars.has(digest) || wanted.blobs.has(digest);
  if (!isWanted || state.tars.has(digest)) dropLast(state.tarFile, content);
  else state.tars.set(digest, content);
  notePlain(state, digest);
}

/** Of a plain layer tar and blob are one. */
function notePlain(state: State, digest: Digest): void {
  const kept = state.tars.get(digest);
  if (kept === undefined) return;
  state.diffIdsOfBlobs.set(digest, digest);
  state.blobs.set(digest, kept);
}

/** A compressed layer: stored first, for its diffID shows only when it is unpacked. */
async function takeCompressed(
  state: State,
  pieces: AsyncIterable<Uint8Array>,
  wanted: Wanted,
  options: StoreOptions,
): Promise<void> {
  const blob = await appendTo(state.blobFile, pieces);
  let isKept = false;
  try {
    // What only looks compressed, but is by its digest the layer that is wanted, is that layer.
    isKept = wanted.tars.has(blob.digest) && !state.tars.has(blob.digest);
    if (isKept) {
      state.tars.set(blob.digest, blob.content);
      return notePlain(state, blob.digest);
    }
    const known = state.diffIdsOfBlobs.get(blob.digest);
    const isTarWanted = known === undefined || (wanted.tars.has(known) && !state.tars.has(known));
    const diffId = isTarWanted ? await takeTar(state, blob, wanted, options) : known;
    isKept = diffId !== undefined && wanted.blobs.has(diffId) && !state.blobs.has(blob.digest);
    if (isKept) state.blobs.set(blob.digest, blob.content);
  } finally {
    if (!isKept) dropLast(state.blobFile, blob.content);
  }
}

/** Unpacks a blob, keeps the tar if it is wanted, and gives its diffID; undefined for what is no layer, or damaged. */
async function takeTar(
  state: State,
  blob: Appended,
  wanted: Wanted,
  options: StoreOptions,
): Promise<Digest | undefined> {
  let tar: Appended;
  try {
    tar = await unpackTo(state.tarFile, blob, options.signal);
  } catch (error) {
    if (!(error instanceof DidiffError) || error.code !== 'CORRUPT_INPUT') throw error;
    state.damage ??= error;
    return undefined;
  }
  const { digest, content } = tar;
  state.diffIdsOfBlobs.set(blob.digest, digest);
  if (wanted.tars.has(digest) && !state.tars.has(digest)) state.tars.set(digest, content);
  else dropLast(state.tarFile, content);
  return digest;
}

async function unpackKept(state: State, diffId: Digest, options: StoreOptions): Promise<void> {
  if (state.tars.has(diffId)) return;
  for (const [digest, content] of state.blobs) {
    if (state.diffIdsOfBlobs.get(digest) !== diffId) continue;
    const tar = await unpackTo(state.tarFile, { digest, content }, options.signal);
    if (tar.digest === diffId) state.tars.set(diffId, tar.content);
    else dropLast(state.tarFile, tar.content);
    return;
  }
}
