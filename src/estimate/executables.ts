/**
 * What changed executables take. Predicting them is most of the work of making a patch: instead each is matched roughly,
 * without prediction, and what that leaves tells what prediction won't help with (`executableBytes` in coding.ts).
 */
import { brotliCompressSync, constants } from 'node:zlib';
import { type RandomAccess, readRange } from '../bytes/access.ts';
import { NO_ANCHORS } from '../create/choose-parts.ts';
import { matchAll } from '../create/match-file.ts';
import type { Part } from '../create/part-table.ts';
import { type Match, residualOf } from '../create/residual.ts';
import type { MatchContext } from '../create/write-file.ts';
import { QUICK_CODER, type RoughMatch } from './coding.ts';

/** An executable of which no more than this part of the bytes differs in place is matched as it stands. */
const HARDLY_CHANGED = 1 / 1024;
/** The ELF header's beginning, with the machine. */
const START_BYTES = 20;

export async function matchRoughly(
  content: RandomAccess,
  earlier: Part,
  { catalog, matcher, effort, tick }: MatchContext,
): Promise<RoughMatch> {
  const { space } = catalog;
  const { sizeBytes } = content;
  const start = readRange(content, 0, Math.min(START_BYTES, sizeBytes), START_BYTES);
  const machine = start[18]! + 256 * start[19]!;
  if (sizeBytes === earlier.sizeBytes) {
    const inPlace = [{ newStart: 0, address: earlier.address, length: sizeBytes }];
    const differing = residualOf(space, content, inPlace, undefined)!.diffs.length;
    if (differing <= sizeBytes * HARDLY_CHANGED) return { newBytes: 0, regions: 1, differing, machine };
  }
  const bench = { olds: catalog, anchors: NO_ANCHORS, matcher, effort, breathe: () => tick(0) };
  const matches = await matchAll(content, bench, earlier);
  const { diffs, coveredBytes } = residualOf(space, content, matches, undefined)!;
  const newBytes = codedBetween(content, matches, sizeBytes - coveredBytes);
  return { newBytes, regions: matches.length, differing: diffs.length, machine };
}

/** What lies between the matches, coded fast. */
function codedBetween(content: RandomAccess, matches: readonly Match[], sizeBytes: number): number {
  if (sizeBytes === 0) return 0;
  const fresh = new Uint8Array(sizeBytes);
  let at = 0;
  let filled = 0;
  for (const { newStart, length } of [...matches, { newStart: content.sizeBytes, length: 0 }]) {
    if (newStart > at) content.readAt(at, fresh.subarray(filled, filled + newStart - at));
    filled += Math.max(0, newStart - at);
    at = newStart + length;
  }
  return brotliCompressSync(fresh, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: QUICK_CODER.forExecutables,
      [constants.BROTLI_PARAM_SIZE_HINT]: sizeBytes,
    },
  }).length;
}
