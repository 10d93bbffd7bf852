/** Writes a gzip file, member by member, each matched against the same member of its earlier version. */
import { type RandomAccess, sliceAccess } from '../../bytes/access.ts';
import { isGzip, readGzipHeader, TRAILER_BYTES } from '../../deflate/gzip.ts';
import { DidiffError } from '../../errors.ts';
import { FORM_GZIP } from '../../nested/forms.ts';
import type { View } from '../../nested/views.ts';
import type { Part } from '../part-table.ts';
import type { ProgramWriter } from '../program.ts';
import { writeChangedFile } from '../write-file.ts';
import type { OpenContext, WriteContent } from './context.ts';
import { openTarget, type TargetPart } from './open-target.ts';
import { type EarlierPart, writePart } from './write-part.ts';

/** Files of more members are left as they are from there on. */
const MOST_MEMBERS = 4096;

export async function writeGzip(
  writer: ProgramWriter,
  content: RandomAccess,
  earlier: Part | undefined,
  context: OpenContext,
  write: WriteContent,
): Promise<void> {
  /** Where the earlier version's next member is; undefined when it has none. */
  let before = earlier?.address;
  let at = 0;
  for (let count = 0; count < MOST_MEMBERS && isGzip(content, at); count++) {
    const member = openMember(content, at, context);
    if (member === undefined) break;
    const { part, headerBytes } = member;
    const view = before === undefined ? undefined : context.views.find(FORM_GZIP, before);
    const old = view && earlier && earlierMember(view, earlier, context);
    before = old?.view.end;
    try {
      await writePart(writer, part, part.end - at, headerBytes, old, context, write);
    } finally {
      part.close();
    }
    await context.match.tick(part.end - at);
    at = part.end;
  }
  if (at === content.sizeBytes) return;
  await writeChangedFile(writer, sliceAccess(content, at, content.sizeBytes - at), context.match, earlier);
}

/** Undefined when the member goes on behind the earlier file, which then was no gzip file. */
function earlierMember(view: View, earlier: Part, { views }: OpenContext): EarlierPart | undefined {
  if (view.end > earlier.address + earlier.sizeBytes) return undefined;
  return { view, headerBytes: readGzipHeader(views.space, view.viewAddress).bytes.length };
}

function openMember(
  content: RandomAccess,
  start: number,
  context: OpenContext,
): { part: TargetPart; headerBytes: number } | undefined {
  try {
    const header = readGzipHeader(content, start);
    const headerBytes = header.bytes.length;
    const part = openTarget(
      content,
      {
        form: FORM_GZIP,
        start,
        dataStart: start + headerBytes,
        headerBytes,
        trailerBytes: () => TRAILER_BYTES,
        header,
      },
      context,
    );
    return part && { part, headerBytes };
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return undefined;
    throw error;
  }
}
