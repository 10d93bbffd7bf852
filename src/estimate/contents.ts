/** What changed files cost together and each: all matched with little effort, a sample of each kind with all of it. */

import type { Catalog } from '../create/catalog.ts';
import { type Anchors, NO_ANCHORS } from '../create/choose-parts.ts';
import { type Effort, effortOf } from '../create/effort.ts';
import type { CodeOptions } from '../create/entropy.ts';
import { indexAnchors } from '../create/index-anchors.ts';
import { openPartBudget } from '../create/opened/budget.ts';
import type { OpenContext } from '../create/opened/context.ts';
import { writeOpened } from '../create/opened/write-opened.ts';
import { tableOf } from '../create/part-table.ts';
import { openProgramWriter } from '../create/program-writer.ts';
import type { MatchContext } from '../create/write-file.ts';
import { startPhase } from '../image/phase.ts';
import { openMatcher } from '../kernels/matcher.ts';
import { textOfName } from '../tar/name.ts';
import { codedBytes } from './coded-bytes.ts';
import type { EstimatedFile } from './model.ts';
import { chooseSample, type FileKind, KINDS, sizeOf, type WeighedFile, weightOf } from './sample.ts';

/** How much of the changed bytes of a kind is matched with full effort, about. Executables differ most in what that saves. */
const SAMPLED_PART: Readonly<Record<FileKind, number>> = {
  executable: 0.25,
  binary: 0.25,
  text: 0.08,
  'new binary': 0.1,
  'new text': 0.15,
};
/** All files are matched with this effort; executables with one that predicts them, which saves more of some than of others. */
const CHEAP_EFFORT = effortOf(1);
const CHEAP_PREDICTION = effortOf(4);

/** A base larger than this is indexed only where what has no earlier version is this part of what changed. */
const WORTH_INDEXING = 0.05;
const QUICKLY_INDEXED_BYTES = 16 << 20;

/** What opening archives needs. */
export type Opening = Pick<OpenContext, 'views' | 'engines' | 'similar'>;

export interface EstimatedContents {
  readonly files: readonly EstimatedFile[];
  readonly matchedBytes: number;
}

export async function estimateContents(
  changed: readonly WeighedFile[],
  catalog: Catalog,
  opening: Opening,
  options: CodeOptions,
): Promise<EstimatedContents> {
  const anchors = await anchorsFor(changed, catalog, options);
  const matcher = openMatcher();
  const files: EstimatedFile[] = [];
  let matchedBytes = 0;
  try {
    for (const kind of KINDS) {
      const all = changed.filter((file) => file.kind === kind);
      if (all.length === 0) continue;
      const sample = chooseSample(all, SAMPLED_PART[kind]);
      const cost = (some: readonly WeighedFile[], effort: Effort) =>
        costOf(some, { catalog, anchors, matcher, effort, digests: new Map() }, opening, options);
      const sampleBytes = await cost(sample, options.effort);
      matchedBytes += sizeOf(sample);
      // What little effort finds shows what all files have in common; the sample, what more effort makes of that.
      const cheap = kind === 'executable' ? CHEAP_PREDICTION : CHEAP_EFFORT;
      const bytes =
        sample.length === all.length
          ? sampleBytes
          : (sampleBytes * (await cost(all, cheap))) / Math.max(1, await cost(sample, cheap));
      const weight = weightOf(all);
      for (const file of all) files.push(describe(file, (bytes * file.weight) / weight));
    }
  } finally {
    anchors.index.close();
  }
  files.sort((a, b) => b.estimatedBytes - a.estimatedBytes || (a.path < b.path ? -1 : 1));
  return { files, matchedBytes };
}

/** An index of nothing where all but a little has an earlier version: that is where it is matched then. */
async function anchorsFor(
  changed: readonly WeighedFile[],
  catalog: Catalog,
  options: CodeOptions,
): Promise<Anchors> {
  const fresh = changed.filter(({ earlier }) => earlier === undefined);
  const isLarge = catalog.space.sizeBytes > QUICKLY_INDEXED_BYTES;
  if (isLarge && sizeOf(fresh) < sizeOf(changed) * WORTH_INDEXING) return NO_ANCHORS;
  const { signal, onProgress } = options;
  const indexing = startPhase('indexing the base', catalog.space.sizeBytes, signal, onProgress);
  return await indexAnchors(catalog.space, tableOf(catalog.files), indexing.tick);
}

/** What these files alone take. */
async function costOf(
  files: readonly WeighedFile[],
  context: Omit<MatchContext, 'tick'>,
  opening: Opening,
  options: CodeOptions,
): Promise<number> {
  if (files.length === 0) return 0;
  const { tick } = startPhase('matching a sample', sizeOf(files), options.signal, options.onProgress);
  const { catalog, effort } = context;
  const writer = openProgramWriter(catalog.space, options.tempDirectory, effort.findsRepeats);
  const budget = openPartBudget(sizeOf(files));
  try {
    for (const { content, earlier } of files)
      await writeOpened(writer, content, earlier, {
        match: { ...context, tick },
        ...opening,
        tempDirectory: options.tempDirectory,
        budget,
        onPredicted() {},
        partDepth: 0,
        depth: 0,
      });
  } catch (error) {
    writer.close();
    throw error;
  }
  return await codedBytes(writer.finish(), { ...options, effort });
}

function describe(file: WeighedFile, bytes: number): EstimatedFile {
  return {
    path: pathOf(file.path),
    estimatedBytes: Math.round(bytes),
    sizeBytes: file.content.sizeBytes,
    kind: file.kind,
    layer: file.layer,
    ...(file.earlier === undefined ? {} : { earlier: pathOf(file.earlier.path) }),
  };
}

/** As `diff` names it: from the root, as text. */
function pathOf(name: string): string {
  return `/${textOfName(name).replace(/^(?:\.?\/)+/, '')}`;
}
