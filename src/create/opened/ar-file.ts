/**
 * Writes an archive of objects: those that have changed one by one, each predicted from the object of its name, the rest
 * as it stands.
 */
import { areEqual, type RandomAccess, sliceAccess } from '../../bytes/access.ts';
import { type ArMember, listAr } from '../../nested/list-ar.ts';
import { mayBePredicted } from '../executable.ts';
import type { Part } from '../part-table.ts';
import type { ProgramWriter } from '../program.ts';
import { writeChangedFile } from '../write-file.ts';
import type { OpenContext } from './context.ts';

/** `members` are those of `content`. */
export async function writeAr(
  writer: ProgramWriter,
  content: RandomAccess,
  members: readonly ArMember[],
  earlier: Part,
  context: OpenContext,
): Promise<void> {
  const old = sliceAccess(context.match.catalog.space, earlier.address, earlier.sizeBytes);
  const before = byName(listAr(old) ?? []);
  const write = async (from: number, to: number, oldFrom: number, oldTo: number) => {
    if (to === from) return;
    const part = { address: earlier.address + oldFrom, sizeBytes: oldTo - oldFrom };
    const found = oldTo > oldFrom ? part : earlier;
    const how = await writeChangedFile(writer, sliceAccess(content, from, to - from), context.match, found);
    if (how === 'predicted') context.onPredicted();
  };
  let at = 0;
  let oldAt = 0;
  for (const [name, { start, end }] of byName(members)) {
    const match = before.get(name);
    const next = sliceAccess(content, start, end - start);
    if (match === undefined || !mayBePredicted(next)) continue;
    const last = sliceAccess(old, match.start, match.end - match.start);
    if (areEqual(next, last)) continue;
    await write(at, start, oldAt, match.start);
    await write(start, end, match.start, match.end);
    at = end;
    oldAt = match.end;
  }
  await write(at, content.sizeBytes, oldAt, earlier.sizeBytes);
}

/** By name, and how many of that name came before. */
function byName(members: readonly ArMember[]): Map<string, ArMember> {
  const counts = new Map<string, number>();
  const named = new Map<string, ArMember>();
  for (const member of members) {
    const count = counts.get(member.name) ?? 0;
    counts.set(member.name, count + 1);
    named.set(`${count} ${member.name}`, member);
  }
  return named;
}
