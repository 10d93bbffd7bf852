/** Writes one changed file's content to a layer's program: matched window by window against parts of the base. */
import type { RandomAccess } from '../bytes/access.ts';
import type { Region } from '../kernels/match.ts';
import type { Matcher } from '../kernels/matcher.ts';
import type { ElfLabeller } from '../predict/elf/labels.ts';
import { type Anchors, chooseParts, type Part } from './candidates.ts';
import type { Catalog } from './catalog.ts';
import type { Effort } from './effort.ts';
import { findOldExecutable, isElf, labelExecutable, planExecutable, writeMatches } from './executable.ts';
import type { LiteralKind, ProgramWriter } from './program.ts';
import type { Match } from './residual.ts';
import { type MatchedWindow, writeWindow } from './write-window.ts';

/** New bytes matched at once. */
const WINDOW_BYTES = 4 << 20;
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

export interface MatchContext {
  readonly catalog: Catalog;
  readonly anchors: Anchors;
  readonly matcher: Matcher;
  readonly effort: Effort;
  readonly tick: (bytes: number) => Promise<void>;
  /** The numbers of the digests that a reader can list, by what they are. */
  readonly digests: ReadonlyMap<string, number>;
}

/** Writes `content`, of which `earlier` is likely an earlier version, and says how. */
export async function writeChangedFile(
  writer: ProgramWriter,
  content: RandomAccess,
  context: MatchContext,
  earlier: Part | undefined,
): Promise<'plain' | 'predicted'> {
  if (context.effort.predictsExecutables && isElf(content))
    return await writeExecutable(writer, content, context, earlier);
  for await (const window of matchWindows(content, context, earlier)) {
    writeWindow(writer, window, context.catalog.space, context.digests);
    await context.tick(window.bytes.length);
  }
  return 'plain';
}

/**
 * All of an executable is matched before any of it is written. The first matches tell where what it refers to went;
 * matched again with references labelled by that, its code is followed by what it does.
 */
async function writeExecutable(
  writer: ProgramWriter,
  content: RandomAccess,
  context: MatchContext,
  earlier: Part | undefined,
): Promise<'plain' | 'predicted'> {
  const { catalog, effort, tick } = context;
  const { labellings, firstSparserBits } = effort;
  const isRough = labellings > 0 && firstSparserBits > 0;
  const sparserBits = effort.sparserBits + firstSparserBits;
  const rough = isRough ? { ...context, effort: { ...effort, sparserBits } } : context;
  let first = await matchAll(content, rough, earlier);
  const old = findOldExecutable(catalog, content, first);
  let labelled: readonly Match[] | undefined;
  for (let i = 0; i < labellings && old !== undefined; i++) {
    const labeller = labelExecutable(catalog, content, old, labelled ?? first);
    if (labeller === undefined) break;
    labelled = await matchAll(content, context, old, labeller);
  }
  if (labelled === undefined && isRough) first = await matchAll(content, context, earlier);
  const ways = labelled === undefined ? [first] : [labelled, first];
  const plan = old && planExecutable(catalog, content, old, first, ways);
  if (plan === undefined) writeMatches(writer, content, first);
  else writer.executable(content, plan);
  await tick(content.sizeBytes);
  return plan === undefined ? 'plain' : 'predicted';
}

/** What all of a file matches, window by window. */
export async function matchAll(
  content: RandomAccess,
  context: MatchContext,
  earlier: Part | undefined,
  labeller?: ElfLabeller,
): Promise<readonly Match[]> {
  const matches: Match[] = [];
  for await (const window of matchWindows(content, context, earlier, labeller)) {
    for (const match of window.matches) matches.push(match);
    await context.tick(0);
  }
  return matches;
}

/** With a labeller `earlier` is the old file it is for, and the windows' bytes are labelled. */
async function* matchWindows(
  content: RandomAccess,
  { catalog: { space }, anchors, matcher, effort }: MatchContext,
  earlier: Part | undefined,
  labeller?: ElfLabeller,
): AsyncGenerator<MatchedWindow> {
  let kind: LiteralKind | undefined;
  for (let start = 0; start < content.sizeBytes; start += WINDOW_BYTES) {
    const size = Math.min(WINDOW_BYTES, content.sizeBytes - start);
    matcher.reserve(size, 0);
    content.readAt(start, matcher.next);
    kind ??= matcher.next.subarray(0, KIND_BYTES).includes(0) ? 'binary' : 'text';
    const parts = chooseParts(anchors, matcher.next, earlier, start, content.sizeBytes);
    const oldBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    matcher.reserve(size, oldBytes);
    readParts(space, parts, matcher.old);
    if (labeller !== undefined) {
      labeller.labelNew(start, matcher.next);
      labelParts(labeller, earlier!, parts, matcher.old);
    }
    const { minimumGain, minimumLength } =
      THRESHOLDS[kind === 'binary' ? 'binary' : earlier ? 'text' : 'newText'];
    const sampleBits = Math.max(0, sampleBitsFor(oldBytes) + effort.sparserBits);
    const regions = matcher.find({ sampleBits, minimumGain, chain: effort.chain });
    const matches = worthwhile(regions, minimumLength).flatMap((region) => inBase(region, parts, start));
    yield { start, bytes: matcher.next, kind, matches };
  }
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
