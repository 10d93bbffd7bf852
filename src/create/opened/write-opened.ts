/** Writes a changed file: opened if its content shows that it can be, else as it is. Names play no part. */
import type { RandomAccess } from '../../bytes/access.ts';
import { listZip } from '../../nested/list-zip.ts';
import { MAX_PART_DEPTH } from '../../patch/format.ts';
import type { Part } from '../candidates.ts';
import { writeChangedFile } from '../match-file.ts';
import type { ProgramWriter } from '../program.ts';
import type { OpenContext } from './context.ts';
import { writeGzip } from './gzip-file.ts';
import { beginsWithGzip } from './open-target.ts';
import { writeZip } from './zip-file.ts';

export async function writeOpened(
  writer: ProgramWriter,
  content: RandomAccess,
  earlier: Part | undefined,
  context: OpenContext,
): Promise<void> {
  if (context.match.effort.opensParts && context.depth < MAX_PART_DEPTH) {
    const listing = listZip(content);
    if (listing !== undefined && listing.entries.length > 0)
      return await writeZip(writer, content, listing, earlier, context, writeOpened);
    if (beginsWithGzip(content)) return await writeGzip(writer, content, earlier, context, writeOpened);
  }
  if ((await writeChangedFile(writer, content, context.match, earlier)) === 'predicted')
    context.onPredicted();
}
