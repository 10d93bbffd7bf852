/** Threads that match changed files ahead of the one that writes them (match-thread.ts is what they run). */
import type { RandomAccess } from '../../bytes/access.ts';
import type { SharedAnchors } from '../choose-parts.ts';
import type { Effort } from '../effort.ts';
import type { OldFiles } from '../executable.ts';
import { type MatchedExecutable, WINDOW_BYTES, type Window } from '../match-file.ts';
import { type Part, tableOf } from '../part-table.ts';
import type { Match } from '../residual.ts';
import { openPool, type Ticket } from './pool.ts';
import {
  type BasePlace,
  type MatchAnswer,
  type MatchSetUp,
  type MatchTask,
  sourceOf,
  unpackExecutable,
  unpackMatches,
} from './tasks.ts';

export interface MatchThreads {
  /** `here` does the same on this thread. */
  window(
    content: RandomAccess,
    window: Window,
    earlier: Part | undefined,
    isAnchored: boolean,
    here: () => Promise<readonly Match[]>,
  ): Ticket<readonly Match[]>;
  executable(
    content: RandomAccess,
    earlier: Part | undefined,
    isAnchored: boolean,
    here: () => Promise<MatchedExecutable>,
  ): Ticket<MatchedExecutable>;
  close(): Promise<void>;
}

const THREAD = './match-thread.js';

/**
 * Undefined where threads can't read the base, or there is nothing compiled that they could run, as when the program
 * runs from its sources. `threads` is how many there are besides this one.
 */
export function openMatchThreads(
  olds: OldFiles,
  anchors: SharedAnchors,
  effort: Effort,
  threads: number,
  signal: AbortSignal | undefined,
): MatchThreads | undefined {
  if (threads < 1 || olds.space.ranges === undefined || import.meta.url.endsWith('.ts')) return undefined;
  const { table } = anchors.index;
  const setUp: MatchSetUp = {
    effort,
    files: tableOf(olds.files),
    anchors: table,
    anchorParts: anchors.parts,
  };
  const pool = openPool(new URL(THREAD, import.meta.url), threads, setUp, signal);
  let toldBytes = -1;
  let toldOpened = -1;
  const tellBase = () => {
    const { space, opened } = olds;
    if (space.sizeBytes === toldBytes && opened.length === toldOpened) return;
    toldBytes = space.sizeBytes;
    toldOpened = opened.length;
    pool.tell({ ranges: space.ranges!(), opened } satisfies BasePlace);
  };
  return {
    window(content, window, earlier, isAnchored, here) {
      // What stands in no file is copied, but not again for each of its windows.
      if (content.ranges === undefined && content.sizeBytes > WINDOW_BYTES) return { result: here };
      tellBase();
      const task: MatchTask = { content: sourceOf(content, WINDOW_BYTES), window, earlier, isAnchored };
      return pool.begin(task, here, ({ matches }: MatchAnswer) => unpackMatches(matches));
    },
    executable(content, earlier, isAnchored, here) {
      if (content.ranges === undefined && content.sizeBytes > WINDOW_BYTES) return { result: here };
      tellBase();
      const task: MatchTask = { content: sourceOf(content, WINDOW_BYTES), earlier, isAnchored };
      return pool.begin(task, here, unpackExecutable);
    },
    close: () => pool.close(),
  };
}
