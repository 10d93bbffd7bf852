/** Threads that match changed files ahead of the one that writes them. */
import type { RandomAccess } from '../../bytes/access.ts';
import type { SharedAnchors } from '../choose-parts.ts';
import type { Effort } from '../effort.ts';
import type { OldFiles } from '../executable.ts';
import type { MatchedExecutable, Window } from '../match-file.ts';
import type { Part, PartTable } from '../part-table.ts';
import type { Match } from '../residual.ts';
import type { Pool, Ticket } from './pool.ts';
import {
  type MatchAnswer,
  type MatchTask,
  sourceOf,
  type Told,
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
}

/** What stands in no file is copied, up to this size. */
const MAX_COPIED_BYTES = 4 << 20;

/** Undefined where threads can't read the base. The pool remains the caller's. */
export function openMatchThreads(
  pool: Pool,
  olds: OldFiles,
  anchors: SharedAnchors,
  files: PartTable,
  effort: Effort,
): MatchThreads | undefined {
  if (olds.space.ranges === undefined) return undefined;
  const match = { effort, files, anchors: anchors.index.table, anchorParts: anchors.parts };
  pool.tell({ match } satisfies Told);
  let toldBytes = -1;
  let toldOpened = -1;
  const tellBase = () => {
    const { space, opened } = olds;
    if (space.sizeBytes === toldBytes && opened.length === toldOpened) return;
    toldBytes = space.sizeBytes;
    toldOpened = opened.length;
    pool.tell({ place: { ranges: space.ranges!(), opened } } satisfies Told);
  };
  return {
    window(content, window, earlier, isAnchored, here) {
      // What stands in no file is copied, but not again for each of its windows.
      if (content.ranges === undefined && content.sizeBytes > MAX_COPIED_BYTES) return { result: here };
      tellBase();
      const task: MatchTask = {
        kind: 'match',
        content: sourceOf(content, MAX_COPIED_BYTES),
        window,
        earlier,
        isAnchored,
      };
      return pool.begin(task, here, ({ matches }: MatchAnswer) => unpackMatches(matches));
    },
    executable(content, earlier, isAnchored, here) {
      if (content.ranges === undefined && content.sizeBytes > MAX_COPIED_BYTES) return { result: here };
      tellBase();
      const task: MatchTask = {
        kind: 'match',
        content: sourceOf(content, MAX_COPIED_BYTES),
        earlier,
        isAnchored,
      };
      return pool.begin(task, here, unpackExecutable);
    },
  };
}
