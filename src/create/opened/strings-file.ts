/**
 * Writes a file of JSON text whose strings hold other text, such as a source map: the runs of strings opened, each matched
 * against the same run of the earlier version and against whatever the base has of that text; the rest as it stands.
 */
import { areEqual, type RandomAccess, readRange, sliceAccess } from '../../bytes/access.ts';
import { DidiffError } from '../../errors.ts';
import { FORM_STRINGS } from '../../nested/forms.ts';
import { listStrings, type StringRun } from '../../nested/strings/list-strings.ts';
import { openStrings } from '../../nested/strings/open-strings.ts';
import type { Part } from '../part-table.ts';
import type { ProgramWriter } from '../program.ts';
import { writeChangedFile } from '../write-file.ts';
import { collector } from './collector.ts';
import type { OpenContext, WriteContent } from './context.ts';
import type { TargetPart } from './open-target.ts';
import { writePart } from './write-part.ts';

/** `runs` are those of `content`. */
export async function writeStrings(
  writer: ProgramWriter,
  content: RandomAccess,
  runs: readonly StringRun[],
  earlier: Part | undefined,
  context: OpenContext,
  write: WriteContent,
): Promise<void> {
  const old = earlier && sliceAccess(context.views.space, earlier.address, earlier.sizeBytes);
  const before = old === undefined ? new Map<string, StringRun>() : byName(old, listStrings(old));
  const plainly = async (from: number, to: number, oldFrom: number, oldTo: number) => {
    if (to === from) return;
    const found =
      earlier && oldTo > oldFrom
        ? { address: earlier.address + oldFrom, sizeBytes: oldTo - oldFrom }
        : earlier;
    await writeChangedFile(writer, sliceAccess(content, from, to - from), context.match, found);
  };
  let at = 0;
  let oldAt = 0;
  for (const [name, run] of byName(content, runs)) {
    const last = before.get(name);
    if (old !== undefined && last !== undefined && areEqual(sliceOf(content, run), sliceOf(old, last)))
      continue;
    const part = openRun(content, run, context);
    if (part === undefined) continue;
    try {
      await plainly(at, run.start, oldAt, last !== undefined && last.start >= oldAt ? last.start : oldAt);
      const view = last && earlier && context.views.find(FORM_STRINGS, earlier.address + last.start);
      const closedBytes = run.end - run.start;
      await writePart(writer, part, closedBytes, 0, view && { view, headerBytes: 0 }, context, write);
      await context.match.tick(closedBytes);
    } finally {
      part.close();
    }
    at = run.end;
    if (last !== undefined) oldAt = Math.max(oldAt, last.end);
  }
  await plainly(at, content.sizeBytes, oldAt, earlier?.sizeBytes ?? 0);
}

function sliceOf(content: RandomAccess, { start, end }: StringRun): RandomAccess {
  return sliceAccess(content, start, end - start);
}

/** A run is known by what stands before it, its key mostly. */
const NAME_BYTES = 16;

/** By name, and how many of that name came before. */
function byName(content: RandomAccess, runs: readonly StringRun[]): Map<string, StringRun> {
  const counts = new Map<string, number>();
  const named = new Map<string, StringRun>();
  for (const run of runs) {
    const from = Math.max(0, run.start - NAME_BYTES);
    const name = Buffer.from(readRange(content, from, run.start - from, NAME_BYTES)).toString('latin1');
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    named.set(`${count} ${name}`, run);
  }
  return named;
}

/** Undefined when there is no room left for it. */
function openRun(
  content: RandomAccess,
  { start, end }: StringRun,
  { budget, partDepth, tempDirectory }: OpenContext,
): TargetPart | undefined {
  const plain = collector(tempDirectory);
  try {
    const opened = openStrings(content, start, budget.left, plain.append);
    if (opened.end === end && budget.take(opened.plainBytes, partDepth, FORM_STRINGS, undefined))
      return { choice: { form: FORM_STRINGS }, plain: plain.content(), end, close: plain.close };
  } catch (error) {
    plain.close();
    if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return undefined;
    throw error;
  }
  plain.close();
  return undefined;
}
