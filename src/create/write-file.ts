/**
 * Writes one changed file's content to a layer's program. It may have been begun to be matched long before it is written:
 * other threads match what comes next meanwhile.
 */
import { type RandomAccess, readRange } from '../bytes/access.ts';
import type { Matcher } from '../kernels/matcher.ts';
import type { Catalog } from './catalog.ts';
import type { Anchors } from './choose-parts.ts';
import type { Effort } from './effort.ts';
import { mayBePredicted, writeMatches } from './executable.ts';
import {
  type MatchBench,
  type MatchedExecutable,
  matchExecutable,
  matchWindow,
  type Window,
  windowsOf,
} from './match-file.ts';
import type { Part } from './part-table.ts';
import type { ProgramWriter } from './program.ts';
import type { Match } from './residual.ts';
import type { MatchThreads } from './threads/match-threads.ts';
import type { Ticket } from './threads/pool.ts';
import { writeWindow } from './write-window.ts';

export interface MatchContext {
  readonly catalog: Catalog;
  readonly anchors: Anchors;
  readonly matcher: Matcher;
  readonly effort: Effort;
  readonly tick: (bytes: number) => Promise<void>;
  /** The numbers of the digests that a reader can list, by what they are. */
  readonly digests: ReadonlyMap<string, number>;
  /** Absent where this thread does it all. */
  readonly threads?: MatchThreads | undefined;
}

/** A file that is being matched. */
export type BegunFile =
  | { readonly kind: 'executable'; readonly ticket: Ticket<MatchedExecutable> }
  | {
      readonly kind: 'windows';
      readonly windows: readonly Window[];
      readonly tickets: Ticket<readonly Match[]>[];
    };

/** Windows of one file that are begun at once. */
const WINDOWS_AHEAD = 8;

/** Has threads begin to match `content`, of which `earlier` is likely an earlier version. */
export function beginFile(
  content: RandomAccess,
  context: MatchContext,
  earlier: Part | undefined,
): BegunFile {
  const { threads } = context;
  const bench = benchOf(context);
  if (context.effort.predictsExecutables && mayBePredicted(content)) {
    const here = () => matchExecutable(content, bench, earlier);
    const ticket = threads?.executable(content, earlier, isAnchored(context), here) ?? { result: here };
    return { kind: 'executable', ticket };
  }
  const begun: BegunFile = {
    kind: 'windows',
    windows: windowsOf(content, context.effort.windowBytes),
    tickets: [],
  };
  if (threads !== undefined)
    for (let i = 0; i < WINDOWS_AHEAD; i++)
      beginWindow(i, begun.windows, begun.tickets, content, context, earlier);
  return begun;
}

function beginWindow(
  index: number,
  windows: readonly Window[],
  tickets: Ticket<readonly Match[]>[],
  content: RandomAccess,
  context: MatchContext,
  earlier: Part | undefined,
): void {
  const window = windows[index];
  if (window === undefined || tickets[index] !== undefined) return;
  const here = async () => matchWindow(content, window, benchOf(context), earlier);
  tickets[index] = context.threads?.window(content, window, earlier, isAnchored(context), here) ?? {
    result: here,
  };
}

function isAnchored({ anchors }: MatchContext): boolean {
  return anchors.parts.sizes.length > 0;
}

function benchOf({ catalog, anchors, matcher, effort, tick }: MatchContext): MatchBench {
  return { olds: catalog, anchors, matcher, effort, breathe: () => tick(0) };
}

/** Writes `content`, and says how. */
export async function writeChangedFile(
  writer: ProgramWriter,
  content: RandomAccess,
  context: MatchContext,
  earlier: Part | undefined,
  begun: BegunFile = beginFile(content, context, earlier),
): Promise<'plain' | 'predicted'> {
  if (begun.kind === 'windows') {
    const { windows, tickets } = begun;
    for (const [i, { start, sizeBytes, kind }] of windows.entries()) {
      beginWindow(i, windows, tickets, content, context, earlier);
      if (context.threads !== undefined)
        beginWindow(i + WINDOWS_AHEAD, windows, tickets, content, context, earlier);
      const matches = await tickets[i]!.result();
      const bytes = readRange(content, start, sizeBytes, sizeBytes);
      writeWindow(writer, { start, bytes, kind, matches }, context.catalog.space, context.digests);
      await context.tick(sizeBytes);
    }
    return 'plain';
  }
  const matched = await begun.ticket.result();
  if (matched.plan === undefined) writeMatches(writer, content, matched.matches);
  else writer.executable(content, matched.plan);
  await context.tick(content.sizeBytes);
  return matched.plan === undefined ? 'plain' : 'predicted';
}
