/**
 * Writes a zip archive entry by entry: those that the earlier version has too are taken from there as they are, changed
 * ones are opened and matched against the same entry, and the directory is matched in its plain form. Every byte between
 * is written as well, whatever it means.
 */
import { bytesAccess, type RandomAccess, readPieces, readRange, sliceAccess } from '../../bytes/access.ts';
import { Inflater } from '../../deflate/inflate.ts';
import { DidiffError } from '../../errors.ts';
import { closedDirectory } from '../../nested/directory.ts';
import { FORM_DIRECTORY, FORM_ENTRY, FORM_RAW, type Form, MAX_HELD_BYTES } from '../../nested/forms.ts';
import { listZip, type ZipEntry, type ZipListing } from '../../nested/list-zip.ts';
import { openPart } from '../../nested/open-part.ts';
import { DESCRIPTOR_BYTES, hasDescriptor } from '../../nested/zip.ts';
import { looseNames } from '../catalog.ts';
import type { Part } from '../part-table.ts';
import type { ProgramWriter } from '../program.ts';
import { writeChangedFile } from '../write-file.ts';
import type { OpenContext, WriteContent } from './context.ts';
import { isArchive, openTarget, type TargetPart } from './open-target.ts';
import { type EarlierPart, writePart } from './write-part.ts';

/** An archive of the base; positions of its listing count from `address`. */
interface EarlierZip {
  readonly part: Part;
  readonly listing: ZipListing;
  readonly byName: ReadonlyMap<string | number, ZipEntry>;
}

export async function writeZip(
  writer: ProgramWriter,
  content: RandomAccess,
  listing: ZipListing,
  earlier: Part | undefined,
  context: OpenContext,
  write: WriteContent,
): Promise<void> {
  const old = findEarlierZip(listing, earlier, context);
  const opened = new Map<number, ZipEntry>();
  const plainly = async (start: number, end: number, from: Part | undefined) => {
    if (end > start)
      await writeChangedFile(writer, sliceAccess(content, start, end - start), context.match, from);
  };
  let at = 0;
  for (const entry of listing.entries) {
    await plainly(at, entry.start, undefined);
    at = entry.end;
    const before = old && findBefore(old, entry);
    if (old !== undefined && before !== undefined && isSameEntry(content, entry, old, before, context)) {
      writeSame(writer, content, entry, old.part.address + before.start);
      await context.match.tick(entry.end - entry.start);
      continue;
    }
    const target = entry.isDeflated ? openEntry(content, entry, context) : undefined;
    if (target === undefined) {
      const from = old && before && entryPart(old, before, before.start);
      if (entry.isDeflated || !isArchive(sliceAccess(content, entry.dataStart, entry.end - entry.dataStart)))
        await plainly(entry.start, entry.end, from);
      else {
        // A jar that is stored in a larger one.
        await plainly(entry.start, entry.dataStart, from);
        const data = sliceAccess(content, entry.dataStart, entry.end - entry.dataStart);
        const earlierData = old && before && entryPart(old, before, before.dataStart);
        await write(writer, data, earlierData, { ...context, depth: context.depth + 1 });
      }
      continue;
    }
    const { form } = target.choice;
    const start = form === FORM_RAW ? entry.dataStart : entry.start;
    try {
      await plainly(entry.start, start, old && before && entryPart(old, before, before.start));
      const view = old && before?.isDeflated ? earlierEntry(old, before, form, context) : undefined;
      await writePart(writer, target, target.end - start, entry.dataStart - start, view, context, write);
      await plainly(target.end, entry.end, undefined);
    } finally {
      target.close();
    }
    if (form === FORM_ENTRY) opened.set(entry.start, entry);
    await context.match.tick(entry.end - entry.start);
  }
  await plainly(at, listing.directoryStart, undefined);
  await writeDirectory(writer, content, listing, opened, old, context);
}

/** The earlier version if it is an archive, else the archive of the base that is most like this one. */
function findEarlierZip(
  listing: ZipListing,
  earlier: Part | undefined,
  context: OpenContext,
): EarlierZip | undefined {
  const old = earlier && listEarlier(earlier, context);
  if (old !== undefined) return old;
  const similar = context.similar(listing);
  return similar && listEarlier(similar, context);
}

function listEarlier(part: Part, { views }: OpenContext): EarlierZip | undefined {
  const listing = listZip(sliceAccess(views.space, part.address, part.sizeBytes));
  if (listing === undefined) return undefined;
  const byName = new Map<string | number, ZipEntry>();
  for (const entry of listing.entries) {
    if (!byName.has(entry.name)) byName.set(entry.name, entry);
    for (const name of looseNames(entry.name)) if (!byName.has(name)) byName.set(name, entry);
  }
  return { part, listing, byName };
}

/** The entry of the same name, else the first of one that is alike. */
function findBefore({ byName }: EarlierZip, { name }: ZipEntry): ZipEntry | undefined {
  const same = byName.get(name);
  if (same !== undefined) return same;
  for (const loose of looseNames(name)) {
    const alike = byName.get(loose);
    if (alike !== undefined) return alike;
  }
  return undefined;
}

/** Whether the data, closed as it is, is the same and stands behind a header of the same length. */
function isSameEntry(
  content: RandomAccess,
  entry: ZipEntry,
  { part }: EarlierZip,
  before: ZipEntry,
  { views }: OpenContext,
): boolean {
  const count = entry.end - entry.dataStart;
  if (entry.checksum !== before.checksum || count !== before.end - before.dataStart) return false;
  if (entry.dataStart - entry.start !== before.dataStart - before.start) return false;
  let at = part.address + before.dataStart;
  for (const piece of readPieces(sliceAccess(content, entry.dataStart, count))) {
    if (Buffer.compare(readRange(views.space, at, piece.length, piece.length), piece) !== 0) return false;
    at += piece.length;
  }
  return true;
}

/** The header may differ in its time; the rest is known to be the same. */
function writeSame(writer: ProgramWriter, content: RandomAccess, entry: ZipEntry, address: number): void {
  const headerBytes = entry.dataStart - entry.start;
  writer.region(address, readRange(content, entry.start, headerBytes, headerBytes));
  writer.sameRegion(address + headerBytes, entry.end - entry.dataStart);
}

/** Whole; or only its data, when a reader would have to hold too much of that back for the sums in front of it. */
function openEntry(content: RandomAccess, entry: ZipEntry, context: OpenContext): TargetPart | undefined {
  const { start, dataStart, closedBytes } = entry;
  return closedBytes > MAX_HELD_BYTES
    ? openAs(FORM_RAW, dataStart, dataStart + closedBytes)
    : openAs(FORM_ENTRY, start, entry.end);

  function openAs(
    form: typeof FORM_ENTRY | typeof FORM_RAW,
    at: number,
    end: number,
  ): TargetPart | undefined {
    const trailerBytes = (header: Uint8Array) =>
      form === FORM_ENTRY && hasDescriptor(header) ? DESCRIPTOR_BYTES : 0;
    const headerBytes = dataStart - at;
    const part = openTarget(content, { form, start: at, dataStart, headerBytes, trailerBytes }, context);
    if (part === undefined || part.end === end) return part;
    part.close();
    return undefined;
  }
}

/** What of an entry stands from `start` on. */
function entryPart({ part }: EarlierZip, { end }: ZipEntry, start: number): Part {
  return { address: part.address + start, sizeBytes: end - start };
}

function earlierEntry(
  { part }: EarlierZip,
  { start, dataStart }: ZipEntry,
  form: Form,
  { views }: OpenContext,
): EarlierPart | undefined {
  const from = form === FORM_RAW ? dataStart : start;
  const view = views.find(form, part.address + from);
  return view && { view, headerBytes: dataStart - from };
}

async function writeDirectory(
  writer: ProgramWriter,
  content: RandomAccess,
  { archiveStart, directoryStart }: ZipListing,
  opened: ReadonlyMap<number, ZipEntry>,
  old: EarlierZip | undefined,
  context: OpenContext,
): Promise<void> {
  const closed = sliceAccess(content, directoryStart, content.sizeBytes - directoryStart);
  const earlier = old && {
    address: old.part.address + old.listing.directoryStart,
    sizeBytes: old.part.sizeBytes - old.listing.directoryStart,
  };
  const plain = openDirectory(content, archiveStart, directoryStart, opened);
  const { budget, partDepth } = context;
  if (plain === undefined || !budget.take(plain.sizeBytes, partDepth, FORM_DIRECTORY, undefined)) {
    await writeChangedFile(writer, closed, context.match, earlier);
    return;
  }
  const view = earlier && context.views.find(FORM_DIRECTORY, earlier.address);
  const from = view && { address: view.viewAddress, sizeBytes: view.sizeBytes };
  writer.beginPart(
    plain.sizeBytes,
    closed.sizeBytes,
    { form: FORM_DIRECTORY },
    directoryStart - archiveStart,
  );
  await writeChangedFile(writer, plain, context.match, from);
  writer.endPart();
}

/** The directory in its plain form; undefined when it would not come back from that as it is. */
function openDirectory(
  content: RandomAccess,
  archiveStart: number,
  directoryStart: number,
  opened: ReadonlyMap<number, ZipEntry>,
): RandomAccess | undefined {
  const closed = readRange(content, directoryStart, content.sizeBytes - directoryStart, MAX_DIRECTORY_BYTES);
  const plain: Uint8Array[] = [];
  const isOpened = (address: number) => opened.has(address);
  try {
    const options = { inflater: new Inflater(), mostBytes: closed.length, isOpened };
    openPart(content, FORM_DIRECTORY, directoryStart, options, (piece) => plain.push(Uint8Array.from(piece)));
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return undefined;
    throw error;
  }
  const again: Uint8Array[] = [];
  const sumsAt = (offset: number) => opened.get(archiveStart + offset);
  const stream = closedDirectory(sumsAt, directoryStart - archiveStart, (piece) =>
    again.push(Uint8Array.from(piece)),
  );
  for (const piece of plain) stream.write(piece);
  stream.finish();
  return Buffer.concat(again).equals(closed) ? bytesAccess(Buffer.concat(plain)) : undefined;
}

/** More than any listing has, with the longest comment behind it. */
const MAX_DIRECTORY_BYTES = 64 << 20;
