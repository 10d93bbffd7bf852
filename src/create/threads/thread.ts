/** What a thread runs: it indexes the base, matches files, tries the mixing coder on streams, and proves layers. */
import { openRanges } from '../../bytes/file.ts';
import { shareMixer } from '../../codec/mix-decoder.ts';
import { openAnchorTable } from '../../kernels/anchor-index.ts';
import { type Matcher, openMatcher } from '../../kernels/matcher.ts';
import { NO_ANCHORS } from '../choose-parts.ts';
import { indexFiles } from '../index-anchors.ts';
import { type MatchBench, matchExecutable, matchWindow } from '../match-file.ts';
import { mixStream } from '../mix.ts';
import { type Part, partOf } from '../part-table.ts';
import { serve } from './serve.ts';
import {
  type Answer,
  type IndexTask,
  type MatchTask,
  memoryOf,
  openSource,
  type ProveTask,
  packExecutable,
  packMatches,
  type Task,
  type Told,
} from './tasks.ts';

serve<Told, Task, Answer>(() => {
  let told: Told = {};
  let matcher: Matcher | undefined;
  /** As objects when they are first wanted: only executables look for the file they come from. */
  let oldFiles: readonly Part[] | undefined;
  const getMixer = shareMixer();
  const benchFor = (isAnchored: boolean): MatchBench => {
    const { place, match } = told;
    const { effort, files, anchors, anchorParts } = match!;
    matcher ??= openMatcher();
    return {
      olds: {
        space: openRanges(place!.ranges),
        get files() {
          oldFiles ??= Array.from(files.addresses, (_, i) => partOf(files, i));
          return oldFiles;
        },
        opened: place!.opened,
      },
      anchors: isAnchored ? { index: openAnchorTable(anchors), parts: anchorParts } : NO_ANCHORS,
      matcher,
      effort,
      breathe: async () => {},
    };
  };
  const match = async ({ content, window, earlier, isAnchored }: MatchTask) => {
    const next = openSource(content);
    const bench = benchFor(isAnchored);
    if (window === undefined) return packExecutable(await matchExecutable(next, bench, earlier));
    return { matches: packMatches(matchWindow(next, window, bench, earlier)) };
  };
  return {
    hear(more) {
      told = { ...told, ...more };
    },
    async answer(task) {
      if (task.kind === 'match') return await match(task);
      if (task.kind === 'mix') return { mixed: mixStream(task.stream, openSource(task.plain), getMixer()) };
      await (task.kind === 'index' ? fillIndex(task) : prove(task));
      return {};
    },
    memoryOf,
  };
});

async function fillIndex({ space, files, table }: IndexTask): Promise<void> {
  await indexFiles(openRanges(space), files, openAnchorTable(table), async () => {});
}

/** Loaded when it is wanted: the readers of patches are many files. */
async function prove({ written, tars, blobs, layers, tempDirectory }: ProveTask): Promise<void> {
  const { proveLayers } = await import('../prove.ts');
  const sources = {
    written: openRanges(written),
    tars: tars.map((ranges) => ranges && openRanges(ranges)),
    blobs: blobs && openRanges(blobs),
  };
  await proveLayers(sources, layers, { tempDirectory });
}
