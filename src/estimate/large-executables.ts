/**
 * Matches large changed executables: without prediction, and sparsely. What that leaves tells where in a file there is
 * something to pay for, and where what stands there was; what it costs is for predicted.ts to find out.
 */
import { type RandomAccess, sliceAccess } from '../bytes/access.ts';
import type { Part } from '../create/part-table.ts';
import type { Match } from '../create/residual.ts';
import type { Region } from '../kernels/match.ts';
import type { Matcher } from '../kernels/matcher.ts';
import { type Area, isTable, TYPE_SHARED } from '../predict/elf/image.ts';
import { openOldBytes } from '../predict/elf/old-bytes.ts';
import { parseElf } from '../predict/elf/parse.ts';
import { findDiffering } from './in-place.ts';

/** From this size on an executable is large: much moves in it, and how well that is predicted decides what it takes. */
export const LARGE_EXECUTABLE_BYTES = 6 << 20;

/** Files are weighed, and looked at more closely, in blocks of this size. */
export const BLOCK_BYTES = 1 << 17;

/** What of an executable its earlier version doesn't explain. */
export interface LargeMatch {
  /** By ascending newStart, none overlapping, all of them in the earlier version. */
  readonly matches: readonly Match[];
  /** What wasn't looked at, ascending. */
  readonly skipped: readonly Area[];
  /** Per block how much there seems to be to pay for: in bytes, about, and never 0 where something differs. */
  readonly weights: Float64Array;
  /** Of one that is matched in place: bytes that differ. */
  readonly differing: number;
}

/** Code moves far in a large file: windows are large, and matched against so many old bytes around their place. */
const WINDOW_BYTES = 2 << 20;
const AROUND_BYTES = 4 << 20;
/** Old bytes are known by one of 16 of their windows; where a match begins and ends doesn't depend on it. */
const ROUGH = { sampleBits: 4, minimumGain: 8, chain: 4 };

/** What matters of it, in bytes, about: what a new byte takes, a region, and a byte that differs in one. */
export const NEW_BYTE_WEIGHT = 0.4;
export const REGION_WEIGHT = 8;
/** Nearly all that differs are references, which are predicted; in stretches of this size there is at least that. */
const STRETCH_BYTES = 1 << 12;
const STRETCH_WEIGHT = 1;

/** `tick` is called now and then. */
export async function matchLargely(
  space: RandomAccess,
  content: RandomAccess,
  earlier: Part,
  matcher: Matcher,
  tick: (bytes: number) => Promise<void>,
): Promise<LargeMatch> {
  const old = sliceAccess(space, earlier.address, earlier.sizeBytes);
  const skipped = skippedAreas(content);
  const { address, sizeBytes } = earlier;
  if (content.sizeBytes === sizeBytes) {
    const { weights, weigh } = startWeighing(content, skipped);
    const differing = findDiffering(content, old, (at) => weigh(at, 1));
    const matches = [{ newStart: 0, address, length: sizeBytes }];
    if (differing !== undefined) return { matches, skipped, weights, differing };
  }
  const { weights, weigh } = startWeighing(content, skipped);
  const matches: Match[] = [];
  for (let start = 0; start < content.sizeBytes; start += WINDOW_BYTES) {
    const length = Math.min(WINDOW_BYTES, content.sizeBytes - start);
    const middle = ((start + length / 2) / content.sizeBytes) * sizeBytes;
    const oldBytes = Math.min(AROUND_BYTES, sizeBytes);
    const oldStart = Math.floor(Math.max(0, Math.min(sizeBytes - oldBytes, middle - oldBytes / 2)));
    matcher.reserve(length, oldBytes);
    content.readAt(start, matcher.next);
    old.readAt(oldStart, matcher.old);
    const regions = matcher.find(ROUGH);
    weighRegions(matcher, regions, (at, weight) => weigh(start + at, weight));
    for (const region of regions)
      matches.push({
        newStart: start + region.newStart,
        address: address + oldStart + region.oldStart,
        length: region.length,
      });
    await tick(0);
  }
  return { matches, skipped, weights, differing: 0 };
}

type Weigh = (at: number, weight: number) => void;

/** Weights of nothing yet; what is in a skipped area doesn't count. */
function startWeighing(content: RandomAccess, skipped: readonly Area[]) {
  const weights = new Float64Array(Math.ceil(content.sizeBytes / BLOCK_BYTES));
  const weigh: Weigh = (at, weight) => {
    if (skipped.every(({ start, end }) => at < start || at >= end))
      weights[Math.floor(at / BLOCK_BYTES)]! += weight;
  };
  return { weights, weigh };
}

/** Weighs what a window's regions cover, and what they don't. */
function weighRegions({ next, old }: Matcher, regions: readonly Region[], weigh: Weigh): void {
  let at = 0;
  const fresh = (end: number) => {
    for (; at < end; at += Math.min(STRETCH_BYTES, end - at))
      weigh(at, Math.min(STRETCH_BYTES, end - at) * NEW_BYTE_WEIGHT);
  };
  for (const { newStart, oldStart, length } of regions) {
    fresh(newStart);
    weigh(newStart, REGION_WEIGHT);
    for (let done = 0; done < length; done += STRETCH_BYTES) {
      const end = Math.min(length, done + STRETCH_BYTES);
      const [a, b] = [
        next.subarray(newStart + done, newStart + end),
        old.subarray(oldStart + done, oldStart + end),
      ];
      if (Buffer.compare(a, b) !== 0) weigh(newStart + done, STRETCH_WEIGHT);
    }
    at = newStart + length;
  }
  fresh(next.length);
}

/**
 * Tables that prediction takes as a whole, and what of the file the loader fills in by them: without the tables that
 * isn't predicted. None in files that prediction doesn't know.
 */
function skippedAreas(content: RandomAccess): readonly Area[] {
  const bytes = openOldBytes(content);
  const image = parseElf(bytes);
  bytes.close();
  if (image === undefined) return [];
  const isFilled = image.type === TYPE_SHARED;
  return image.areas.filter(
    ({ kind, start, end }) => end > start && (isTable(kind) || (isFilled && kind === 'pointers')),
  );
}
