/**
 * Makes some blocks of an executable nearly as `create` makes it: matched again with references labelled, and predicted.
 * All of the file's rough match tells where things went; what lies between the blocks isn't looked at.
 */
import { concatAccess, type RandomAccess, readRange, sliceAccess } from '../bytes/access.ts';
import type { Part } from '../create/part-table.ts';
import type { ProgramWriter } from '../create/program.ts';
import { type GrowingResidual, growingResidual, type Match } from '../create/residual.ts';
import type { Region } from '../kernels/match.ts';
import type { Matcher } from '../kernels/matcher.ts';
import type { Area } from '../predict/elf/image.ts';
import { type ElfLabeller, openElfLabeller } from '../predict/elf/labels.ts';
import { planElfRegions } from '../predict/elf/plan.ts';
import { type ElfPredictor, openElfPredictor, STEP_BYTES } from '../predict/elf/predictor.ts';
import { BLOCK_BYTES, type LargeMatch, NEW_BYTE_WEIGHT, REGION_WEIGHT } from './large-executables.ts';

/** What a block leaves to be stored. */
export interface Leaves {
  regions: number;
  newBytes: number;
  /** Bytes that are not as predicted. */
  differing: number;
}

/** Old bytes on each side of where a block's were, that it is matched against too. */
const AROUND_BYTES = BLOCK_BYTES / 2;
const LABELLED = { sampleBits: 2, minimumGain: 8, chain: 4 };
/** The new file's program headers are among so many bytes. */
const HEAD_BYTES = 1 << 13;
/** Predictors look at a file's beginning as it comes. */
const HEAD_STEP_BYTES = 1 << 9;

/** What it is done with. */
export interface ExplainBench {
  readonly space: RandomAccess;
  readonly matcher: Matcher;
  readonly writer: ProgramWriter;
  /** Called between blocks. */
  readonly breathe: () => Promise<void>;
}

/** Of the `of`th block. */
interface Span {
  readonly of: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Writes these `blocks` of `content`, ascending, as an executable with nothing else in it, and answers what each leaves.
 * `skipped` are the areas that weren't weighed.
 */
export async function explainBlocks(
  content: RandomAccess,
  earlier: Part,
  { matches, skipped }: LargeMatch,
  blocks: readonly number[],
  { space, matcher, writer, breathe }: ExplainBench,
): Promise<readonly Leaves[]> {
  const old = sliceAccess(space, earlier.address, earlier.sizeBytes);
  const rough = matches.map((each) => regionOf(each, earlier));
  const labeller = openElfLabeller(old, content, rough);
  const spans = blocks.flatMap((block, of) => spansOf(block, of, content, skipped));
  const fine: Region[] = [];
  for (const span of spans) {
    for (const region of matchSpan(old, content, span, rough, labeller, matcher)) fine.push(region);
    await breathe();
  }
  const regions = planElfRegions(old, content, withSpans(rough, spans, fine));
  const leaves = blocks.map(() => ({ regions: 0, newBytes: 0, differing: 0 }));
  for (const { of, start, end } of spans) leaves[of]!.newBytes += end - start;
  const walker = openWalker(old, content, regions);
  const taken: Region[] = [];
  for (const [at, region] of regions.entries()) {
    const span = spans.find((each) => isInside(region, each));
    if (span === undefined) continue;
    const left = leaves[span.of]!;
    left.regions++;
    left.newBytes -= region.length;
    left.differing += walker.walk(at);
    taken.push(region);
  }
  const placeOf = placing(spans);
  writer.executable(concatAccess(spans.map(({ start, end }) => sliceAccess(content, start, end - start))), {
    oldAddress: earlier.address,
    oldBytes: earlier.sizeBytes,
    matches: taken.map(({ newStart, oldStart, length }) => ({
      newStart: placeOf(newStart),
      address: earlier.address + oldStart,
      length,
    })),
    residual: walker.residual(),
  });
  walker.close();
  return leaves;
}

function regionOf({ newStart, address, length }: Match, { address: start }: Part): Region {
  return { newStart, oldStart: address - start, length };
}

/** What of a block, the `of`th of those wanted, isn't skipped. */
function spansOf(block: number, of: number, { sizeBytes }: RandomAccess, skipped: readonly Area[]): Span[] {
  const spans: Span[] = [];
  let at = block * BLOCK_BYTES;
  const stop = Math.min(at + BLOCK_BYTES, sizeBytes);
  for (const { start, end } of skipped) {
    if (end <= at || start >= stop) continue;
    if (start > at) spans.push({ of, start: at, end: start });
    at = end;
  }
  if (at < stop) spans.push({ of, start: at, end: stop });
  return spans;
}

function overlap({ newStart, length }: Region, { start, end }: Span): number {
  return Math.max(0, Math.min(newStart + length, end) - Math.max(newStart, start));
}

function isInside(region: Region, span: Span): boolean {
  return overlap(region, span) === region.length;
}

/** Matches a span against what lies around the place that most of it came from, as the rough match tells. */
function matchSpan(
  old: RandomAccess,
  content: RandomAccess,
  span: Span,
  rough: readonly Region[],
  labeller: ElfLabeller | undefined,
  matcher: Matcher,
): readonly Region[] {
  const { start, end } = span;
  const main = mainRegion(rough, span);
  const shift =
    main === undefined
      ? Math.round((start / content.sizeBytes) * old.sizeBytes) - start
      : main.oldStart - main.newStart;
  const oldStart = Math.max(0, Math.min(old.sizeBytes - 1, start + shift - AROUND_BYTES));
  const oldEnd = Math.max(oldStart, Math.min(old.sizeBytes, end + shift + AROUND_BYTES));
  matcher.reserve(end - start, oldEnd - oldStart);
  content.readAt(start, matcher.next);
  old.readAt(oldStart, matcher.old);
  labeller?.labelNew(start, matcher.next);
  labeller?.labelOld(oldStart, matcher.old);
  const found = matcher.find(LABELLED).map((region) => ({
    newStart: start + region.newStart,
    oldStart: oldStart + region.oldStart,
    length: region.length,
  }));
  // What repeats itself, or came from several places, may have been found better with more around it.
  const before = rough.flatMap((region) => within(region, span));
  return costOf(before, span) < costOf(found, span) ? before : found;
}

/** What of a region lies in a span. */
function within({ newStart, oldStart, length }: Region, { start, end }: Span): Region[] {
  const from = Math.max(newStart, start);
  const to = Math.min(newStart + length, end);
  return to > from ? [{ newStart: from, oldStart: oldStart + from - newStart, length: to - from }] : [];
}

/** What it takes to tell the regions of a span and what is in none, in bytes, about. */
function costOf(regions: readonly Region[], { start, end }: Span): number {
  const covered = regions.reduce((sum, { length }) => sum + length, 0);
  return (end - start - covered) * NEW_BYTE_WEIGHT + regions.length * REGION_WEIGHT;
}

function mainRegion(rough: readonly Region[], span: Span): Region | undefined {
  let best: Region | undefined;
  for (const region of rough)
    if (overlap(region, span) > (best === undefined ? 0 : overlap(best, span))) best = region;
  return best;
}

/** `rough` with what is in the spans, which are ascending, replaced by `fine`. */
function withSpans(
  rough: readonly Region[],
  spans: readonly Span[],
  fine: readonly Region[],
): readonly Region[] {
  const outside = rough.flatMap((region): Region[] => {
    const left: Region[] = [];
    let at = region.newStart;
    const stop = region.newStart + region.length;
    const keepTo = (end: number) => {
      const oldStart = region.oldStart + at - region.newStart;
      if (end > at) left.push({ newStart: at, oldStart, length: end - at });
    };
    for (const { start, end } of spans) {
      if (end <= at || start >= stop) continue;
      keepTo(start);
      at = end;
    }
    keepTo(stop);
    return left;
  });
  return outside.concat(fine).sort((a, b) => a.newStart - b.newStart);
}

interface Walker {
  /** Predicts region number `index`; regions in ascending order. Answers how many bytes differ. */
  walk(index: number): number;
  residual: GrowingResidual['residual'];
  close(): void;
}

function openWalker(old: RandomAccess, content: RandomAccess, regions: readonly Region[]): Walker {
  const predictor: ElfPredictor | undefined = openElfPredictor(old, regions, content.sizeBytes);
  const headBytes = Math.min(HEAD_BYTES, content.sizeBytes);
  const head = readRange(content, 0, headBytes, headBytes);
  for (let at = 0; at < headBytes; at += HEAD_STEP_BYTES)
    predictor?.literal(at, head.subarray(at, at + HEAD_STEP_BYTES));
  const out = growingResidual();
  const expected = new Uint8Array(STEP_BYTES);
  const truth = new Uint8Array(STEP_BYTES);
  const correct = (from: number, to: number) => out.compare(expected, truth, from, to);
  let before = 0;
  return {
    walk(index) {
      const { newStart, oldStart, length } = regions[index]!;
      predictor?.startRegion(index);
      for (let done = 0; done < length; ) {
        let count = Math.min(STEP_BYTES, length - done);
        content.readAt(newStart + done, truth.subarray(0, count));
        if (predictor === undefined) {
          old.readAt(oldStart + done, expected.subarray(0, count));
          correct(0, count);
        } else count = predictor.step(expected, correct);
        done += count;
      }
      const differing = out.residual().diffs.length;
      const found = differing - before;
      before = differing;
      return found;
    },
    residual: out.residual,
    close: () => predictor?.close(),
  };
}

/** Where a place in the spans, which are ascending, is when one stands behind the other. */
function placing(spans: readonly Span[]): (at: number) => number {
  const starts: number[] = [];
  let before = 0;
  for (const { start, end } of spans) {
    starts.push(before);
    before += end - start;
  }
  return (at) => {
    const span = spans.findIndex(({ end }) => at < end);
    return starts[span]! + at - spans[span]!.start;
  };
}
