/** Writes an opened part: its plain form, matched against a view of the base, and how it is closed. */
import { type RandomAccess, readRange, sliceAccess } from '../../bytes/access.ts';
import { FORM_BITCODE, FORM_STRINGS } from '../../nested/forms.ts';
import type { View } from '../../nested/views.ts';
import { NO_ANCHORS } from '../choose-parts.ts';
import { mayBePredicted } from '../executable.ts';
import type { Part } from '../part-table.ts';
import type { ProgramWriter } from '../program.ts';
import { writeChangedFile } from '../write-file.ts';
import type { OpenContext, WriteContent } from './context.ts';
import { isArchive, type TargetPart } from './open-target.ts';

/**
 * Smaller parts are matched against their earlier version only: what else is like them is as small, and costs more
 * time.
 */
const MIN_ANCHORED_BYTES = 64 << 10;

/** An opened part of the base, and how much of it comes before its content. */
export interface EarlierPart {
  readonly view: View;
  readonly headerBytes: number;
}

/** `headerBytes` of the plain form come before the content; `closedBytes` is what the part takes in the file. */
export async function writePart(
  writer: ProgramWriter,
  { plain, choice }: TargetPart,
  closedBytes: number,
  headerBytes: number,
  old: EarlierPart | undefined,
  context: OpenContext,
  write: WriteContent,
): Promise<void> {
  const earlier: Part | undefined = old && { address: old.view.viewAddress, sizeBytes: old.view.sizeBytes };
  // Strings hold text that mostly stands elsewhere as a file, however short they are.
  const isAnchored = plain.sizeBytes >= MIN_ANCHORED_BYTES || choice.form === FORM_STRINGS;
  // Progress counts bytes of the layer; these are more or fewer.
  const inner: OpenContext = {
    ...context,
    depth: context.depth + 1,
    partDepth: context.partDepth + 1,
    match: {
      ...context.match,
      anchors: isAnchored ? context.match.anchors : NO_ANCHORS,
      tick: () => context.match.tick(0),
    },
  };
  const content = sliceAccess(plain, headerBytes, plain.sizeBytes - headerBytes);
  const isWhole = choice.form === FORM_BITCODE || !wantsItself(content);
  writer.beginPart(plain.sizeBytes, closedBytes, choice);
  if (isWhole) await writeChangedFile(writer, plain, inner.match, earlier);
  else {
    writeHeader(writer, readRange(plain, 0, headerBytes, plain.sizeBytes), old);
    await write(writer, content, old && earlierContent(context, old), inner);
  }
  writer.endPart();
}

/** Whether the content is to be looked at apart from the header: it is an archive or an executable itself. */
function wantsItself(content: RandomAccess): boolean {
  return mayBePredicted(content) || isArchive(content);
}

/** The view's content behind its header; from now on executables can be predicted from it. */
function earlierContent({ match }: OpenContext, { view, headerBytes }: EarlierPart): Part | undefined {
  if (view.sizeBytes <= headerBytes) return undefined;
  const part = { address: view.viewAddress + headerBytes, sizeBytes: view.sizeBytes - headerBytes };
  const { opened } = match.catalog;
  if (part.address > (opened.at(-1)?.address ?? 0)) opened.push(part);
  return part;
}

function writeHeader(writer: ProgramWriter, header: Uint8Array, old: EarlierPart | undefined): void {
  if (header.length === 0) return;
  if (old?.headerBytes === header.length) writer.region(old.view.viewAddress, header);
  else writer.literal(header, 'binary');
}
