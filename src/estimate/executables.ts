/**
 * What changed executables take. Predicting them is most of the work of making a patch: instead each is matched roughly,
 * without prediction, and what that leaves tells what prediction won't help with (`executableBytes` in coding.ts).
 */
import { brotliCompressSync, constants } from 'node:zlib';
import { type RandomAccess, readPieces, readRange, sliceAccess } from '../bytes/access.ts';
import { eachDifference } from '../bytes/differences.ts';
import { NO_ANCHORS } from '../create/choose-parts.ts';
import { matchWindow, windowsOf } from '../create/match-file.ts';
import type { Part } from '../create/part-table.ts';
import type { Match } from '../create/residual.ts';
import type { MatchContext } from '../create/write-file.ts';
import { CLASS_ARCHIVE, QUICK_CODER, type RoughMatch } from './coding.ts';
import { isGoProgram } from './go-program.ts';

/** An executable of which no more than this part of the bytes differs in place is matched as it stands. */
const HARDLY_CHANGED = 1 / 1024;
/** The ELF header's beginning, with the machine. */
const START_BYTES = 20;
/** How an executable is cut into windows, and by how many bits more sparsely they are matched than files are. */
interface Cut {
  readonly windowBytes: number;
  readonly sparserBits: number;
  /** One window stands for so many. */
  readonly every: number;
}
/** Windows are matched against so many old bytes, around their place. */
const AROUND_BYTES = 1 << 20;
const NEAR: Cut = { windowBytes: AROUND_BYTES, sparserBits: 1, every: 1 };
/**
 * In a large program code moves farther than a window reaches: smaller windows have more around them. Its regions are
 * long, and few places of them enough to find them by. Go's linker keeps the order of things, and nothing moves far.
 */
const WIDE: Cut = { windowBytes: AROUND_BYTES / 2, sparserBits: 3, every: 1 };
const WIDE_FROM_BYTES = 6 << 20;
/** There are enough windows to look at every second one. */
const HALF_FROM_BYTES = 32 << 20;

function cutOf(content: RandomAccess): Cut {
  if (content.sizeBytes < WIDE_FROM_BYTES || isGoProgram(content)) return NEAR;
  return content.sizeBytes < HALF_FROM_BYTES ? WIDE : { ...WIDE, every: 2 };
}

function isElf(start: Uint8Array): boolean {
  return start[0] === 0x7f && start[1] === 0x45;
}

export async function matchRoughly(
  content: RandomAccess,
  earlier: Part,
  { catalog, matcher, effort, tick }: MatchContext,
): Promise<RoughMatch> {
  const { space } = catalog;
  const { sizeBytes } = content;
  const start = readRange(content, 0, Math.min(START_BYTES, sizeBytes), START_BYTES);
  const machine = isElf(start) ? start[18]! + 256 * start[19]! : CLASS_ARCHIVE;
  if (sizeBytes === earlier.sizeBytes) {
    const differing = findDiffering(content, sliceAccess(space, earlier.address, sizeBytes));
    if (differing !== undefined) return { newBytes: 0, regions: 1, differing, machine, isWide: false };
  }
  const cut = cutOf(content);
  const rough = { ...effort, windowBytes: AROUND_BYTES, sparserBits: cut.sparserBits };
  const bench = { olds: catalog, anchors: NO_ANCHORS, matcher, effort: rough };
  const fresh: Uint8Array[] = [];
  let regions = 0;
  let seenBytes = 0;
  for (const [at, window] of windowsOf(content, cut.windowBytes).entries()) {
    if (at % cut.every !== 0) continue;
    const matches = matchWindow(content, window, bench, earlier);
    fresh.push(...between(readWindow(content, window), window.start, matches));
    regions += matches.length;
    seenBytes += window.sizeBytes;
    await tick(0);
  }
  const stands = sizeBytes / Math.max(1, seenBytes);
  return {
    newBytes: codedBytes(fresh) * stands,
    regions: regions * stands,
    differing: 0,
    machine,
    isWide: cut !== NEAR,
  };
}

/** How many bytes of two files of one size differ; undefined for more than would leave it hardly changed. */
function findDiffering(content: RandomAccess, earlier: RandomAccess): number | undefined {
  const most = content.sizeBytes * HARDLY_CHANGED;
  const buffer = new Uint8Array(COMPARED_BYTES);
  const other = new Uint8Array(COMPARED_BYTES);
  let differing = 0;
  let at = 0;
  for (const piece of readPieces(content, buffer)) {
    const old = other.subarray(0, piece.length);
    earlier.readAt(at, old);
    at += piece.length;
    eachDifference(piece, old, 0, piece.length, () => {
      differing++;
    });
    if (differing > most) return undefined;
  }
  return differing;
}

const COMPARED_BYTES = 1 << 16;

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
