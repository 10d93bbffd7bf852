/** Writes a changed file: opened if its content shows that it can be, else as it is. Names play no part. */
import type { RandomAccess } from '../../bytes/access.ts';
import { type ArMember, listAr } from '../../nested/list-ar.ts';
import { listZip, type ZipListing } from '../../nested/list-zip.ts';
import { listStrings, type StringRun } from '../../nested/strings/list-strings.ts';
import { MAX_PART_DEPTH } from '../../patch/format.ts';
import type { Part } from '../part-table.ts';
import type { ProgramWriter } from '../program.ts';
import { type BegunFile, beginFile, type MatchContext, writeChangedFile } from '../write-file.ts';
import { writeAr } from './ar-file.ts';
import { findBitcode, writeBitcode } from './bitcode-file.ts';
import type { OpenContext } from './context.ts';
import { writeGzip } from './gzip-file.ts';
import { beginsWithGzip } from './open-target.ts';
import { writeStrings } from './strings-file.ts';
import { writeZip } from './zip-file.ts';

/** What of a changed file is looked at apart; undefined when it is matched as it stands. */
type Way =
  | { readonly zip: ZipListing }
  | { readonly ar: readonly ArMember[] }
  | { readonly bitcode: number }
  | { readonly strings: readonly StringRun[] }
  | 'gzip'
  | undefined;

function wayOf(content: RandomAccess, opensParts: boolean): Way {
  if (!opensParts) return undefined;
  const bitcode = findBitcode(content);
  if (bitcode !== undefined) return { bitcode };
  const zip = listZip(content);
  if (zip !== undefined && zip.entries.length > 0) return { zip };
  const ar = listAr(content);
  if (ar !== undefined) return { ar };
  if (beginsWithGzip(content)) return 'gzip';
  const strings = listStrings(content);
  return strings.length > 0 ? { strings } : undefined;
}

/** Has threads begin to match a file that is matched as it stands; undefined for others. */
export function beginUnopened(
  content: RandomAccess,
  match: MatchContext,
  earlier: Part | undefined,
): BegunFile | undefined {
  return wayOf(content, match.effort.opensParts) === undefined
    ? beginFile(content, match, earlier)
    : undefined;
}

/** `begun` is given when it is known that the file is matched as it stands. */
export async function writeOpened(
  writer: ProgramWriter,
  content: RandomAccess,
  earlier: Part | undefined,
  context: OpenContext,
  begun?: BegunFile,
): Promise<void> {
  const opensParts = context.match.effort.opensParts && context.depth < MAX_PART_DEPTH;
  const way = begun === undefined ? wayOf(content, opensParts) : undefined;
  if (way === 'gzip') return await writeGzip(writer, content, earlier, context, writeOpened);
  if (way !== undefined && 'bitcode' in way)
    return await writeBitcode(writer, content, way.bitcode, earlier, context, writeOpened);
  if (way !== undefined && 'strings' in way)
    return await writeStrings(writer, content, way.strings, earlier, context, writeOpened);
  if (way !== undefined && 'zip' in way)
    return await writeZip(writer, content, way.zip, earlier, context, writeOpened);
  if (way !== undefined && earlier !== undefined)
    return await writeAr(writer, content, way.ar, earlier, context);
  if ((await writeChangedFile(writer, content, context.match, earlier, begun)) === 'predicted')
    context.onPredicted();
}
