/**
 * What changed executables take that aren't large. Predicting them is most of the work of making a patch: instead each
 * is matched roughly, without prediction, and what that leaves tells what prediction won't help with
 * (`executableBytes` in coding.ts).
 */
import { brotliCompressSync, constants } from 'node:zlib';
import { type RandomAccess, readRange, sliceAccess } from '../bytes/access.ts';
import { NO_ANCHORS } from '../create/choose-parts.ts';
import { matchWindow, windowsOf } from '../create/match-file.ts';
import type { Part } from '../create/part-table.ts';
import type { Match } from '../create/residual.ts';
import type { MatchContext } from '../create/write-file.ts';
import { CLASS_ARCHIVE, QUICK_CODER, type RoughMatch } from './coding.ts';
import { findDiffering } from './in-place.ts';

/** The ELF header's beginning, with the machine. */
const START_BYTES = 20;
/** Windows are matched against so many old bytes, around their place, and more sparsely than files are. */
const AROUND_BYTES = 1 << 20;
const OF_PROGRAMS = { windowBytes: AROUND_BYTES, sparserBits: 1 };
/** In an archive of Java classes things move farther than such a window reaches: smaller ones have more around them. */
const OF_CLASSES = { windowBytes: AROUND_BYTES / 2, sparserBits: 3 };

/** What a file's ELF header says that it runs on; CLASS_ARCHIVE where there is none. */
export function machineOf(content: RandomAccess): number {
  const start = readRange(content, 0, Math.min(START_BYTES, content.sizeBytes), START_BYTES);
  return start[0] === 0x7f && start[1] === 0x45 ? start[18]! + 256 * start[19]! : CLASS_ARCHIVE;
}

export async function matchRoughly(
  content: RandomAccess,
  earlier: Part,
  { catalog, matcher, effort, tick }: MatchContext,
): Promise<RoughMatch> {
  const { space } = catalog;
  const { sizeBytes } = content;
  const machine = machineOf(content);
  if (sizeBytes === earlier.sizeBytes) {
    const differing = findDiffering(content, sliceAccess(space, earlier.address, sizeBytes));
    if (differing !== undefined) return { newBytes: 0, regions: 1, differing, machine };
  }
  const { windowBytes, sparserBits } = machine === CLASS_ARCHIVE ? OF_CLASSES : OF_PROGRAMS;
  const rough = { ...effort, windowBytes: AROUND_BYTES, sparserBits };
  const bench = { olds: catalog, anchors: NO_ANCHORS, matcher, effort: rough };
  const fresh: Uint8Array[] = [];
  let regions = 0;
  for (const window of windowsOf(content, windowBytes)) {
    const matches = matchWindow(content, window, bench, earlier);
    fresh.push(...between(readWindow(content, window), window.start, matches));
    regions += matches.length;
    await tick(0);
  }
  return { newBytes: codedBytes(fresh), regions, differing: 0, machine };
}

function readWindow(content: RandomAccess, { start, sizeBytes }: { start: number; sizeBytes: number }) {
  return readRange(content, start, sizeBytes, sizeBytes);
}

/** What of a window, which begins at `start` of its file, lies in no match. */
function between(window: Uint8Array, start: number, matches: readonly Match[]): readonly Uint8Array[] {
  const fresh: Uint8Array[] = [];
  let at = 0;
  for (const { newStart, length } of matches) {
    if (newStart - start > at) fresh.push(window.subarray(at, newStart - start));
    at = newStart - start + length;
  }
  return [...fresh, window.subarray(at)];
}

/** What these bytes take, coded fast. */
function codedBytes(fresh: readonly Uint8Array[]): number {
  const sizeBytes = fresh.reduce((sum, { length }) => sum + length, 0);
  if (sizeBytes === 0) return 0;
  return brotliCompressSync(Buffer.concat(fresh), {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: QUICK_CODER.forExecutables,
      [constants.BROTLI_PARAM_SIZE_HINT]: sizeBytes,
    },
  }).length;
}
