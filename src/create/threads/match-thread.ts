/** What a thread runs that matches changed files. */
import type { RandomAccess } from '../../bytes/access.ts';
import { openRanges } from '../../bytes/file.ts';
import { openAnchorTable } from '../../kernels/anchor-index.ts';
import { openMatcher } from '../../kernels/matcher.ts';
import { NO_ANCHORS } from '../choose-parts.ts';
import { type MatchBench, matchExecutable, matchWindow } from '../match-file.ts';
import { type Part, partOf } from '../part-table.ts';
import { serve } from './serve.ts';
import {
  type BasePlace,
  type MatchAnswer,
  type MatchSetUp,
  type MatchTask,
  memoryOf,
  openSource,
  packExecutable,
  packMatches,
} from './tasks.ts';

serve(({ effort, files, anchors, anchorParts }: MatchSetUp) => {
  let space: RandomAccess;
  let opened: readonly Part[] = [];
  /** As objects when they are first wanted: only executables look for the file they come from. */
  let oldFiles: readonly Part[] | undefined;
  const matcher = openMatcher();
  const known = { index: openAnchorTable(anchors), parts: anchorParts };
  const bench = (isAnchored: boolean): MatchBench => ({
    olds: {
      space,
      get files() {
        oldFiles ??= Array.from(files.addresses, (_, i) => partOf(files, i));
        return oldFiles;
      },
      opened,
    },
    anchors: isAnchored ? known : NO_ANCHORS,
    matcher,
    effort,
    breathe: async () => {},
  });
  return {
    hear(place: BasePlace) {
      space = openRanges(place.ranges);
      ({ opened } = place);
    },
    async answer({ content, window, earlier, isAnchored }: MatchTask): Promise<MatchAnswer> {
      const next = openSource(content);
      if (window === undefined)
        return packExecutable(await matchExecutable(next, bench(isAnchored), earlier));
      return { matches: packMatches(matchWindow(next, window, bench(isAnchored), earlier)) };
    },
    memoryOf,
  };
});
