/**
 * Tells what large changed executables take: blocks of them, chosen by how much there is to pay for in each, are made
 * nearly as `create` makes them, and stand for the others.
 */
import type { CodeOptions } from '../create/entropy.ts';
import { openProgramWriter } from '../create/program-writer.ts';
import { startPhase } from '../image/phase.ts';
import { STREAM_BINARY, STREAM_DIFFS, STREAM_GAPS, STREAM_OPS, STREAM_SEEKS } from '../patch/format.ts';
import { type ChosenBlocks, chooseBlocks } from './choose-blocks.ts';
import {
  BETTER_MATCHED_PART,
  codeRoughly,
  HARDLY_CHANGED,
  REPEATED_EXECUTABLE_BYTES,
  WITH_TABLES_PART,
} from './coding.ts';
import type { RoughContext, RoughFile } from './contents.ts';
import { isGoProgram } from './go-program.ts';
import { BLOCK_BYTES } from './large-executables.ts';
import { explainBlocks, type Leaves } from './predicted.ts';

/** So many blocks are looked at, and of more than that this part. */
const MOST_BLOCKS = 24;
const PART_OF_MORE = 0.04;

export interface EstimatedExecutables {
  /** Per file. */
  readonly bytes: readonly number[];
  readonly matchedBytes: number;
}

/** What one block of a file is, and what it leaves when it was looked at. */
interface Block {
  readonly file: number;
  readonly block: number;
  readonly weight: number;
  leaves: Leaves | undefined;
}

export async function estimateLargeExecutables(
  files: readonly RoughFile[],
  context: RoughContext,
  options: CodeOptions,
): Promise<EstimatedExecutables> {
  const settled = settleEasily(files);
  const blocks = files.flatMap(({ large }, file): Block[] =>
    settled[file] !== undefined
      ? []
      : Array.from(large!.weights, (weight, block) => ({ file, block, weight, leaves: undefined })),
  );
  const weights = blocks.map(({ weight }) => weight);
  const changed = weights.filter((weight) => weight > 0).length;
  const chosen = chooseBlocks(
    weights,
    Math.ceil(MOST_BLOCKS + Math.max(0, changed - MOST_BLOCKS) * PART_OF_MORE),
  );
  if (chosen.blocks.length === 0) return { bytes: settled.map((bytes) => bytes ?? 0), matchedBytes: 0 };
  const costOf = await explainAll(files, blocks, chosen, context, options);
  const bytes = settled.map((known) => known ?? 0);
  const certain = new Set([...chosen.certain].map((at) => blocks[at]!));
  const sampled = chosen.blocks.map((at) => blocks[at]!).filter((each) => !certain.has(each));
  // Where all that was looked at outweighs the rest, it tells of the rest too.
  const telling = sampled.length > 0 ? sampled : [...certain];
  const perWeight = sum(telling, ({ leaves }) => costOf(leaves!)) / sum(telling, ({ weight }) => weight);
  for (const each of blocks)
    bytes[each.file]! += certain.has(each) ? costOf(each.leaves!) : each.weight * perWeight;
  return {
    bytes: bytes.map((each, at) => settled[at] ?? each * wholePart(files[at]!)),
    matchedBytes: chosen.blocks.length * BLOCK_BYTES,
  };
}

/** Of those that need no looking at, what they take. */
function settleEasily(files: readonly RoughFile[]): (number | undefined)[] {
  const seen = new Set<string>();
  return files.map(({ file, large }) => {
    const { differing, matches, weights } = large!;
    const { mostBytes, takes } = HARDLY_CHANGED;
    // What wasn't weighed follows from the rest, mostly.
    const isHardly = weights.every((weight) => weight === 0) || (differing > 0 && differing <= mostBytes);
    if (isHardly) return takes(Math.min(differing, mostBytes));
    const key = `${file.content.sizeBytes} ${matches.length} ${weights.join(' ')}`;
    if (seen.has(key)) return REPEATED_EXECUTABLE_BYTES;
    seen.add(key);
    return undefined;
  });
}

/** Looks at the chosen blocks, and tells what it takes to store what blocks leave. */
async function explainAll(
  files: readonly RoughFile[],
  blocks: readonly Block[],
  { blocks: chosen }: ChosenBlocks,
  { catalog, matcher }: RoughContext,
  options: CodeOptions,
): Promise<(leaves: Leaves) => number> {
  const { effort, signal, onProgress, tempDirectory } = options;
  const { tick } = startPhase('matching a sample', chosen.length * BLOCK_BYTES, signal, onProgress);
  const writer = openProgramWriter(catalog.space, tempDirectory, effort.findsRepeats);
  const bench = { space: catalog.space, matcher, writer, breathe: () => tick(0) };
  try {
    for (const [at, { file, large }] of files.entries()) {
      const own = chosen.map((each) => blocks[each]!).filter((each) => each.file === at);
      if (own.length === 0) continue;
      const wanted = own.map(({ block }) => block);
      const leaves = await explainBlocks(file.content, file.earlier!, large!, wanted, bench);
      for (const [i, each] of own.entries()) each.leaves = leaves[i]!;
      await tick(own.length * BLOCK_BYTES);
    }
  } catch (error) {
    writer.close();
    throw error;
  }
  const all = chosen.map((each) => blocks[each]!.leaves!);
  const coded = await codeRoughly(writer.finish(), signal);
  const perRegion =
    (coded[STREAM_OPS]! + coded[STREAM_SEEKS]!) /
    Math.max(
      1,
      sum(all, ({ regions }) => regions),
    );
  const perDifference =
    (coded[STREAM_GAPS]! + coded[STREAM_DIFFS]!) /
    Math.max(
      1,
      sum(all, ({ differing }) => differing),
    );
  const perByte =
    coded[STREAM_BINARY]! /
    Math.max(
      1,
      sum(all, ({ newBytes }) => newBytes),
    );
  return ({ regions, differing, newBytes }) =>
    regions * perRegion + differing * perDifference + newBytes * perByte;
}

/** What all of a file takes, of what is estimated for its blocks. */
function wholePart({ file }: RoughFile): number {
  return BETTER_MATCHED_PART * (isGoProgram(file.content) ? 1 : WITH_TABLES_PART);
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
