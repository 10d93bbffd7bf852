/**
 * Matches changed files against parts of the base, window by window; what comes of it is plain data, and depends on the
 * file and the base alone. Any thread may do it.
 */
import { type RandomAccess, readRange } from '../bytes/access.ts';
import type { Region } from '../kernels/match.ts';
import type { Matcher } from '../kernels/matcher.ts';
import type { ElfLabeller } from '../predict/elf/labels.ts';
import { type Anchors, chooseParts } from './choose-parts.ts';
import type { Effort } from './effort.ts';
import { findOldExecutable, labelExecutable, type OldFiles, planExecutable } from './executable.ts';
import type { Part } from './part-table.ts';
import type { LiteralKind } from './program.ts';
import type { ExecutablePlan, Match } from './residual.ts';

/** How much of a file is looked at to tell text from binary. */
const KIND_BYTES = 4096;

/**
 * What a region must bring. The entropy coder finds repetitions in text by itself and pays less for them than a seek
 * costs: short regions of text make the patch larger (measured: 1,631 kB without, 1,194 kB with these on 20,000 files
 * of JavaScript). Text of which there is no earlier version repeats itself more than it repeats the base.
 */
const THRESHOLDS = {
  binary: { minimumGain: 8, minimumLength: 0 },
  text: { minimumGain: 32, minimumLength: 48 },
  newText: { minimumGain: 64, minimumLength: 128 },
} as const;

/** What matching works with. */
export interface MatchBench {
  readonly olds: OldFiles;
  readonly anchors: Anchors;
  readonly matcher: Matcher;
  readonly effort: Effort;
  /** Called between windows of executables, all of which are matched at once. */
  readonly breathe: () => Promise<void>;
}

/** A stretch of a file, matched at once. */
export interface Window {
  readonly start: number;
  readonly sizeBytes: number;
  readonly kind: LiteralKind;
}

/** The windows that a file is matched in. */
export function windowsOf(content: RandomAccess, windowBytes: number): readonly Window[] {
  const first = readRange(content, 0, Math.min(KIND_BYTES, content.sizeBytes), KIND_BYTES);
  const kind = first.includes(0) ? 'binary' : 'text';
  const windows: Window[] = [];
  for (let start = 0; start < content.sizeBytes; start += windowBytes)
    windows.push({ start, sizeBytes: Math.min(windowBytes, content.sizeBytes - start), kind });
  return windows;
}

/** How an executable is made: predicted, or of what it matches. */
export type MatchedExecutable =
  | { readonly plan: ExecutablePlan }
  | { readonly plan?: undefined; readonly matches: readonly Match[] };

/**
 * All of an executable is matched before any of it is written. The first matches tell where what it refers to went;
 * matched again with references labelled by that, its code is followed by what it does.
 */
export async function matchExecutable(
  content: RandomAccess,
  bench: MatchBench,
  earlier: Part | undefined,
): Promise<MatchedExecutable> {
  const { olds, effort } = bench;
  const { labellings, firstSparserBits } = effort;
  const isRough = labellings > 0 && firstSparserBits > 0;
  const sparserBits = effort.sparserBits + firstSparserBits;
  const rough = isRough ? { ...bench, effort: { ...effort, sparserBits } } : bench;
  let first = await matchAll(content, rough, earlier);
  const old = findOldExecutable(olds, content, first, earlier);
  let labelled: readonly Match[] | undefined;
  for (let i = 0; i < labellings && old !== undefined; i++) {
    const labeller = labelExecutable(olds, content, old, labelled ?? first);
    if (labeller === undefined) break;
    labelled = await matchAll(content, bench, old, labeller);
  }
  if (labelled === undefined && isRough) first = await matchAll(content, bench, earlier);
  const ways = labelled === undefined ? [first] : [labelled, first];
  const plan = old && planExecutable(olds, content, old, first, ways);
  return plan === undefined ? { matches: first } : { plan };
}

/** What all of a file matches. */
export async function matchAll(
  content: RandomAccess,
  bench: MatchBench,
  earlier: Part | undefined,
  labeller?: ElfLabeller,
): Promise<readonly Match[]> {
  const matches: Match[] = [];
  for (const window of windowsOf(content, bench.effort.windowBytes)) {
    for (const match of matchWindow(content, window, bench, earlier, labeller)) matches.push(match);
    await bench.breathe();
  }
  return matches;
}

/**
 * What of a window stands in the base, by ascending newStart, which counts from the file's beginning; none overlapping.
 * With a labeller `earlier` is the old file it is for, and the windows' bytes are labelled.
 */
export function matchWindow(
  content: RandomAccess,
  { start, sizeBytes, kind }: Window,
  { olds: { space }, anchors, matcher, effort }: Omit<MatchBench, 'breathe'>,
  earlier: Part | undefined,
  labeller?: ElfLabeller,
): readonly Match[] {
  matcher.reserve(sizeBytes, 0);
  content.readAt(start, matcher.next);
  const parts = chooseParts(anchors, matcher.next, earlier, start, content.sizeBytes, 2 * effort.windowBytes);
  const oldBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  matcher.reserve(sizeBytes, oldBytes);
  readParts(space, parts, matcher.old);
  if (labeller !== undefined) {
    labeller.labelNew(start, matcher.next);
    labelParts(labeller, earlier!, parts, matcher.old);
  }
  const { minimumGain, minimumLength } =
    THRESHOLDS[kind === 'binary' ? 'binary' : earlier ? 'text' : 'newText'];
  const sampleBits = Math.max(0, sampleBitsFor(oldBytes) + effort.sparserBits);
  const regions = matcher.find({ sampleBits, minimumGain, chain: effort.chain });
  return worthwhile(regions, minimumLength).flatMap((region) => inBase(region, parts, start));
}

/** Labels what of the parts is of the old file. */
function labelParts(labeller: ElfLabeller, file: Part, parts: readonly Part[], old: Uint8Array): void {
  let at = 0;
  for (const { address, sizeBytes } of parts) {
    const from = Math.max(address, file.address);
    const to = Math.min(address + sizeBytes, file.address + file.sizeBytes);
    if (to > from)
      labeller.labelOld(from - file.address, old.subarray(at + from - address, at + to - address));
    at += sizeBytes;
  }
}

/** Small old buffers are indexed wholly, large ones sparsely: their matches are long, or found as extensions. */
function sampleBitsFor(oldBytes: number): number {
  if (oldBytes < 64 << 10) return 0;
  return oldBytes < 3 << 20 ? 1 : 2;
}

function readParts(base: RandomAccess, parts: readonly Part[], old: Uint8Array): void {
  let at = 0;
  for (const part of parts) {
    base.readAt(part.address, old.subarray(at, at + part.sizeBytes));
    at += part.sizeBytes;
  }
}

/** Drops regions too short for what they cost; one that goes on in the alignment before it costs nearly nothing. */
function worthwhile(regions: readonly Region[], minimumLength: number): readonly Region[] {
  let alignment = Number.NaN;
  return regions.filter(({ newStart, oldStart, length }) => {
    const keep = length >= minimumLength || oldStart - newStart === alignment;
    if (keep) alignment = oldStart - newStart;
    return keep;
  });
}

/** A region of the old buffer may span parts that do not stand side by side in the base. */
function inBase(
  { newStart, oldStart, length }: Region,
  parts: readonly Part[],
  windowStart: number,
): Match[] {
  const matches: Match[] = [];
  let start = 0;
  for (const part of parts) {
    const from = Math.max(oldStart, start);
    const to = Math.min(oldStart + length, start + part.sizeBytes);
    if (to > from)
      matches.push({
        newStart: windowStart + newStart + from - oldStart,
        address: part.address + from - start,
        length: to - from,
      });
    start += part.sizeBytes;
  }
  return matches;
}
