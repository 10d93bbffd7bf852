/**
 * Corrects what rough matches tell of executables by a sample that is made as `create` makes it: those that cost most for
 * their size, so that little work covers much of the patch.
 */
import { NO_ANCHORS } from '../create/choose-parts.ts';
import type { CodeOptions } from '../create/entropy.ts';
import { openPartBudget } from '../create/opened/budget.ts';
import { writeOpened } from '../create/opened/write-opened.ts';
import { openProgramWriter } from '../create/program-writer.ts';
import { startPhase } from '../image/phase.ts';
import { codeExactly, executableBytes, REPEATED_EXECUTABLE_BYTES } from './coding.ts';
import type { RoughContext, RoughFile } from './contents.ts';

/** So much of the executables is matched with all effort, and no more bytes than that. */
const SAMPLED_PART = 0.05;
const MOST_BYTES = 1 << 19;
const LEAST_BYTES = 1 << 18;

export interface EstimatedExecutables {
  /** Per file. */
  readonly bytes: readonly number[];
  readonly matchedBytes: number;
}

export async function estimateExecutables(
  files: readonly RoughFile[],
  context: RoughContext,
  options: CodeOptions,
): Promise<EstimatedExecutables> {
  const modelled = modelAll(files);
  const sample = chooseSample(files, modelled);
  if (sample.size === 0) return { bytes: modelled, matchedBytes: 0 };
  const chosen = files.filter((file) => sample.has(file));
  const sampledBytes = await bytesOf(chosen, context, options);
  const all = modelled.reduce((sum, bytes) => sum + bytes, 0);
  const ofSample = files.reduce((sum, file, at) => sum + (sample.has(file) ? modelled[at]! : 0), 0);
  const ratio = sampledBytes / ofSample;
  // The others are believed to be like the sample as far as it stands for all.
  const ofOthers = ratio ** (ofSample / all);
  return {
    bytes: files.map((file, at) => modelled[at]! * (sample.has(file) ? ratio : ofOthers)),
    matchedBytes: chosen.reduce((sum, { file }) => sum + file.content.sizeBytes, 0),
  };
}

function modelAll(files: readonly RoughFile[]): readonly number[] {
  const seen = new Set<string>();
  return files.map(({ file, match }) => {
    const { newBytes, regions, differing } = match!;
    const key = `${file.content.sizeBytes} ${newBytes} ${regions} ${differing}`;
    const isRepeated = regions > 1 && seen.has(key);
    seen.add(key);
    return isRepeated ? REPEATED_EXECUTABLE_BYTES : executableBytes(match!);
  });
}

function chooseSample(files: readonly RoughFile[], modelled: readonly number[]): ReadonlySet<RoughFile> {
  const totalBytes = files.reduce((sum, { file }) => sum + file.content.sizeBytes, 0);
  const most = Math.max(LEAST_BYTES, Math.min(MOST_BYTES, totalBytes * SAMPLED_PART));
  const density = (at: number) => modelled[at]! / files[at]!.file.content.sizeBytes;
  const order = [...files.keys()].sort((a, b) => density(b) - density(a) || a - b);
  const chosen = new Set<RoughFile>();
  let bytes = 0;
  for (const at of order) {
    const { sizeBytes } = files[at]!.file.content;
    if (bytes + sizeBytes > most) continue;
    chosen.add(files[at]!);
    bytes += sizeBytes;
  }
  return chosen;
}

/** What these files alone take. */
async function bytesOf(
  files: readonly RoughFile[],
  { catalog, matcher, opening }: RoughContext,
  options: CodeOptions,
): Promise<number> {
  const { effort, signal, onProgress, tempDirectory } = options;
  const total = files.reduce((sum, { file }) => sum + file.content.sizeBytes, 0);
  const { tick } = startPhase('matching a sample', total, signal, onProgress);
  const writer = openProgramWriter(catalog.space, tempDirectory, effort.findsRepeats);
  const budget = openPartBudget(total);
  const match = { catalog, anchors: NO_ANCHORS, matcher, effort, tick, digests: new Map() };
  try {
    for (const { file } of files)
      await writeOpened(writer, file.content, file.earlier, {
        ...opening,
        match,
        budget,
        onPredicted() {},
        partDepth: 0,
        depth: 0,
      });
  } catch (error) {
    writer.close();
    throw error;
  }
  const coded = await codeExactly(writer.finish(), options);
  return coded.reduce((sum, bytes) => sum + bytes, 0);
}
