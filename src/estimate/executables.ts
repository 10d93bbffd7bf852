/**
 * What changed executables take. Predicting them is most of the work of making a patch: instead each is matched roughly,
 * without prediction, and what that leaves tells what prediction won't help with (`executableBytes` in coding.ts).
 */
import { brotliCompressSync, constants } from 'node:zlib';
import type { RandomAccess } from '../bytes/access.ts';
import { NO_ANCHORS, type Part } from '../create/candidates.ts';
import { type MatchContext, matchAll } from '../create/match-file.ts';
import { type Match, residualOf } from '../create/residual.ts';
import { QUICK_CODER, type RoughMatch } from './coding.ts';

/** An executable of which no more than this part of the bytes differs in place is matched as it stands. */
const HARDLY_CHANGED = 1 / 1024;

export async function matchRoughly(
  content: RandomAccess,
  earlier: Part,
  context: MatchContext,
): Promise<RoughMatch> {
  const { space } = context.catalog;
  const { sizeBytes } = content;
  if (sizeBytes === earlier.sizeBytes) {
    const inPlace = [{ newStart: 0, address: earlier.address, length: sizeBytes }];
    const differing = residualOf(space, content, inPlace, undefined)!.diffs.length;
    if (differing <= sizeBytes * HARDLY_CHANGED) return { newBytes: 0, regions: 1, differing };
  }
  const matches = await matchAll(content, { ...context, anchors: NO_ANCHORS }, earlier);
  const { diffs, coveredBytes } = residualOf(space, content, matches, undefined)!;
  const newBytes = codedBetween(content, matches, sizeBytes - coveredBytes);
  return { newBytes, regions: matches.length, differing: diffs.length };
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
