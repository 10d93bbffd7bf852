/**
 * Turns one target layer into a program over the base: each entry's header is predicted from a header of the base, each
 * content is the same as one of the base, or matched against parts of it, or new. Every byte of the tar is written, in order.
 */
import { type RandomAccess, readPieces, readRange, sliceAccess } from '../bytes/access.ts';
import { readAhead } from '../bytes/read-ahead.ts';
import type { Matcher } from '../kernels/matcher.ts';
import type { EngineFinder } from '../nested/find-engine.ts';
import { HEADER_BYTES } from '../predict/tar-header.ts';
import type { TarEntry } from '../tar/header.ts';
import { type TarSegment, walkTar } from '../tar/walk.ts';
import type { BaseFile, Catalog } from './catalog.ts';
import type { SharedAnchors } from './choose-parts.ts';
import { findEarlierFile } from './earlier-file.ts';
import type { EarlyCoders } from './early-coder.ts';
import type { Effort } from './effort.ts';
import { type Ahead, lookAhead, withoutAhead } from './look-ahead.ts';
import { openPartBudget, type PartBudget } from './opened/budget.ts';
import type { FindSimilarArchive } from './opened/similar-archive.ts';
import { beginUnopened, writeOpened } from './opened/write-opened.ts';
import type { Program, ProgramWriter } from './program.ts';
import { openProgramWriter } from './program-writer.ts';
import { type Survey, surveyLayer } from './survey.ts';
import type { MatchThreads } from './threads/match-threads.ts';
import type { ViewBook } from './view-book.ts';
import type { BegunFile, MatchContext } from './write-file.ts';

/** How the contents of a layer's files were made, for the report. */
export interface FileCounts {
  same: number;
  changed: number;
  added: number;
  /** Of all those: executables predicted from others. */
  predicted: number;
}

export interface DeltaContext {
  readonly catalog: Catalog;
  /** Made when the first changed file asks for it: many patches hold only files that are the same. */
  readonly anchors: () => Promise<SharedAnchors>;
  /** Threads that match, if there are some and the changed files, of so many bytes, are worth starting them. */
  readonly threads?: ((changedBytes: number) => Promise<MatchThreads | undefined>) | undefined;
  readonly matcher: Matcher;
  readonly effort: Effort;
  /** Absent where there is only one processor to use. */
  readonly early: EarlyCoders | undefined;
  readonly views: ViewBook;
  readonly engines: EngineFinder;
  readonly similar: FindSimilarArchive;
  readonly tempDirectory: string;
  readonly tick: (bytes: number) => Promise<void>;
  readonly counts: FileCounts;
  /** Writes a changed file instead of the matching here: for estimates, which match roughly. */
  readonly writeChanged?: (writer: ProgramWriter, file: ChangedFile) => Promise<void>;
  /** Two buffers of PIECE_BYTES, used again for every comparison. */
  readonly scratch: readonly [Uint8Array, Uint8Array];
}

/** A file whose content the base doesn't have. */
export interface ChangedFile {
  readonly path: string;
  readonly content: RandomAccess;
  readonly earlier: BaseFile | undefined;
  /** The numbers of the digests that a reader has at this place, by what they are. */
  readonly digests: ReadonlyMap<string, number>;
}

/** What there is besides for one layer. */
interface LayerContext extends DeltaContext {
  readonly budget: PartBudget;
  readonly survey: Survey;
  readonly matchThreads: MatchThreads | undefined;
  /** The numbers of the digests that a reader has at this place. */
  readonly digests: Map<string, number>;
  /** The layer and the base as headers are read from them, one after the other. */
  readonly headers: { readonly target: RandomAccess; readonly base: RandomAccess };
}

/** The program's streams are the caller's to close. */
export async function writeDeltaLayer(tar: RandomAccess, shared: DeltaContext): Promise<Program> {
  const survey = await surveyLayer(tar, { ...shared, listsDigests: shared.effort.listsDigests });
  const budget = openPartBudget(tar.sizeBytes);
  const matchThreads = await shared.threads?.(survey.changedBytes);
  const headers = { target: readAhead(tar), base: readAhead(shared.catalog.space) };
  const context: LayerContext = { ...shared, budget, survey, matchThreads, digests: new Map(), headers };
  const writer = openProgramWriter(context.catalog.space, context.tempDirectory, context.effort.findsRepeats);
  try {
    const place: Place = { address: 0 };
    const segments =
      matchThreads === undefined
        ? withoutAhead(walkTar(tar))
        : beginAhead(tar, context, await matchContext(context));
    for (const { segment, begun } of segments) {
      await writeSegment(writer, tar, segment, begun, place, context);
      context.early?.feed(writer.text);
    }
    return writer.finish();
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** The segments of a layer, each with its file that threads have begun to match, where there are threads. */
function beginAhead(
  tar: RandomAccess,
  context: LayerContext,
  match: MatchContext,
): Iterable<Ahead<BegunFile>> {
  const { catalog, survey } = context;
  return lookAhead(walkTar(tar), (segment) => {
    if (segment.kind !== 'content' || survey.same.has(segment.offset)) return undefined;
    const content = sliceAccess(tar, segment.offset, segment.sizeBytes);
    return beginUnopened(content, match, findEarlierFile(catalog, segment.entry.path, content.sizeBytes));
  });
}

async function matchContext(context: LayerContext): Promise<MatchContext> {
  const { catalog, matcher, effort, tick, digests, matchThreads: threads } = context;
  return { catalog, anchors: await context.anchors(), matcher, effort, tick, digests, threads };
}

type Content = Extract<TarSegment, { readonly entry: TarEntry }>;

/** The base address that the target's current place corresponds to: the end of what was last taken from the base. */
interface Place {
  address: number;
}

async function writeSegment(
  writer: ProgramWriter,
  tar: RandomAccess,
  segment: TarSegment,
  begun: BegunFile | undefined,
  place: Place,
  context: LayerContext,
): Promise<void> {
  switch (segment.kind) {
    case 'header':
      writeHeader(writer, segment.entry, place, context);
      break;
    case 'content':
      await writeContent(writer, tar, segment, begun, place, context);
      break;
    default:
      writeFiller(writer, sliceAccess(tar, segment.offset, segment.sizeBytes), context.scratch[0]);
  }
  if (segment.kind !== 'content') await context.tick(segment.sizeBytes);
}

/** Predicted from the header of the same path, else from that of the file last seen in the base: a neighbour, mostly. */
function writeHeader(
  writer: ProgramWriter,
  entry: TarEntry,
  place: Place,
  { catalog, headers }: LayerContext,
): void {
  const known = catalog.byPath.get(entry.path) ?? earlierHeader(catalog, entry);
  const bytes = readRange(headers.target, entry.headerOffset, entry.headerBytes, MAX_HEADER_RUN_BYTES);
  const address = known?.headerAddress ?? place.address;
  if (known !== undefined && known.headerBytes === bytes.length && equalRange(headers.base, address, bytes)) {
    writer.sameRegion(address, bytes.length);
    place.address = address + bytes.length;
    return;
  }
  const last = bytes.length - HEADER_BYTES;
  if (last > 0) writer.literal(bytes.subarray(0, last), 'binary');
  const own = known === undefined ? undefined : known.headerAddress + known.headerBytes - HEADER_BYTES;
  const from = own ?? nearestHeader(catalog, place.address);
  if (from === undefined) writer.literal(bytes.subarray(last), 'binary');
  else {
    writer.header(from, bytes.subarray(last));
    place.address = from + HEADER_BYTES;
  }
}

/** An entry's header with its extension blocks; the walker's limit on those is far below. */
const MAX_HEADER_RUN_BYTES = 16 << 20;

function earlierHeader(
  catalog: Catalog,
  entry: TarEntry,
): { headerAddress: number; headerBytes: number } | undefined {
  return entry.type === 'file' && entry.sizeBytes > 0
    ? findEarlierFile(catalog, entry.path, entry.sizeBytes)
    : undefined;
}

/** The header of the last file at or before `address`. */
function nearestHeader(catalog: Catalog, address: number): number | undefined {
  const { files } = catalog;
  let low = 0;
  let high = files.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (files[middle]!.headerAddress <= address) low = middle;
    else high = middle - 1;
  }
  const file = files[low];
  return file === undefined ? undefined : file.headerAddress + file.headerBytes - HEADER_BYTES;
}

async function writeContent(
  writer: ProgramWriter,
  tar: RandomAccess,
  segment: Content,
  begun: BegunFile | undefined,
  place: Place,
  context: LayerContext,
): Promise<void> {
  const { catalog, counts, survey, digests } = context;
  const { entry } = segment;
  const content = sliceAccess(tar, segment.offset, segment.sizeBytes);
  const same = survey.same.get(segment.offset);
  if (same !== undefined) {
    counts.same++;
    writer.sameRegion(same, content.sizeBytes);
    place.address = same + content.sizeBytes;
    return;
  }
  const earlier = findEarlierFile(catalog, entry.path, content.sizeBytes);
  if (earlier === undefined) counts.added++;
  else {
    counts.changed++;
    place.address = earlier.address + earlier.sizeBytes;
  }
  const marked = markDigests(writer, segment, survey);
  if (context.writeChanged === undefined) await matchContent(writer, content, earlier, begun, context);
  else await context.writeChanged(writer, { path: entry.path, content, earlier, digests });
  for (const [key, number] of marked) digests.set(key, number);
}

async function matchContent(
  writer: ProgramWriter,
  content: RandomAccess,
  earlier: BaseFile | undefined,
  begun: BegunFile | undefined,
  context: LayerContext,
): Promise<void> {
  const { views, engines, similar, tempDirectory, budget, counts } = context;
  const match = await matchContext(context);
  const onPredicted = () => counts.predicted++;
  const open = { match, views, engines, similar, tempDirectory, budget, onPredicted, partDepth: 0, depth: 0 };
  await writeOpened(writer, content, earlier, open, begun);
}

/** Has a reader make the digests of a content that are listed later. They are there when all of it is written. */
function markDigests(
  writer: ProgramWriter,
  { offset, sizeBytes }: Content,
  survey: Survey,
): readonly (readonly [string, number])[] {
  return (survey.marks.get(offset) ?? []).flatMap(({ algorithm, key }) => {
    const number = writer.markDigest(algorithm, sizeBytes);
    return number === undefined ? [] : [[key, number] as const];
  });
}

/** Padding and the end of the archive are zeros nearly always; anything else, understood or not, is carried. */
function writeFiller(writer: ProgramWriter, bytes: RandomAccess, buffer: Uint8Array): void {
  for (const piece of readPieces(bytes, buffer)) {
    if (piece.every((byte) => byte === 0)) writer.zeros(piece.length);
    else writer.literal(piece, 'binary');
  }
}

function equalRange(space: RandomAccess, address: number, bytes: Uint8Array): boolean {
  if (address + bytes.length > space.sizeBytes) return false;
  return Buffer.compare(readRange(space, address, bytes.length, bytes.length), bytes) === 0;
}
