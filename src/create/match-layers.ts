/** Turns the target's layers into programs over the base, one after the other, with what all of them share. */
import { concatAccess } from '../bytes/access.ts';
import { DidiffError } from '../errors.ts';
import { startPhase } from '../image/phase.ts';
import type { LayerTar } from '../image/store.ts';
import { openMatcher } from '../kernels/matcher.ts';
import { openEngineFinder } from '../nested/find-engine.ts';
import type { View } from '../nested/views.ts';
import { catalogBase, PIECE_BYTES } from './catalog.ts';
import type { SharedAnchors } from './choose-parts.ts';
import { type FileCounts, writeDeltaLayer } from './delta-layer.ts';
import type { CodeOptions } from './entropy.ts';
import { indexAnchors, openAnchors } from './index-anchors.ts';
import { openArchiveIndex } from './opened/similar-archive.ts';
import { NO_PARTS, tableOf } from './part-table.ts';
import type { Plan } from './plan.ts';
import type { Program } from './program.ts';
import { indexInThread } from './threads/index-thread.ts';
import { type MatchThreads, openMatchThreads } from './threads/match-threads.ts';
import type { Pool } from './threads/pool.ts';
import { openViewBook } from './view-book.ts';

export interface Matched {
  /** Per layer of the target; undefined for those that are no deltas. */
  readonly programs: readonly (Program | undefined)[];
  /** Parts of the base that were opened. */
  readonly views: readonly View[];
}

/** Layers in which less has changed are matched by this thread alone. */
const WORTH_ASKING_BYTES = 1 << 18;

/** What must be closed is added to `owned`; the pool, absent where there are no threads, remains the caller's. */
export async function matchLayers(
  tars: readonly LayerTar[],
  plan: Plan,
  options: CodeOptions,
  pool: Pool | undefined,
  counts: FileCounts,
  owned: { close(): void }[],
): Promise<Matched> {
  const deltas = plan.layers.filter(({ how }) => how === 'delta');
  if (deltas.length === 0) return { programs: plan.layers.map(() => undefined), views: [] };
  const { signal, onProgress, effort } = options;
  const base = concatAccess(tars.map(({ content }) => content));
  const views = openViewBook(base, options.tempDirectory);
  owned.push(views);
  const reading = startPhase('reading the base', base.sizeBytes, signal, onProgress);
  const catalog = await catalogBase(views.space, tars, reading.tick);
  const files = tableOf(catalog.files);
  const total = deltas.reduce((sum, { tar }) => sum + tar!.sizeBytes, 0);
  const matching = startPhase('matching', total, signal, onProgress);
  const indexing = startPhase('indexing the base', base.sizeBytes, signal, onProgress);
  const indexHere = async () =>
    effort.looksAround
      ? await indexAnchors(base, files, effort.maxAnchors, indexing.tick)
      : openAnchors(NO_PARTS, 1);
  const begun =
    pool !== undefined && effort.looksAround
      ? indexInThread(pool, base, files, effort.maxAnchors, indexHere)
      : undefined;
  let anchors: Promise<SharedAnchors> | undefined;
  const getAnchors = () => {
    anchors ??= begun?.result() ?? indexHere();
    return anchors;
  };
  let matchThreads: MatchThreads | undefined;
  const context = {
    catalog,
    anchors: getAnchors,
    threads: async (changedBytes: number) => {
      if (pool !== undefined && changedBytes >= WORTH_ASKING_BYTES)
        matchThreads ??= openMatchThreads(pool, catalog, await getAnchors(), files, effort);
      return matchThreads;
    },
    matcher: openMatcher(),
    effort,
    early: options.early,
    views,
    engines: openEngineFinder(),
    similar: openArchiveIndex(catalog),
    tempDirectory: options.tempDirectory,
    tick: matching.tick,
    counts,
    scratch: [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)] as const,
  };
  const programs: (Program | undefined)[] = [];
  for (const { how, tar, diffId } of plan.layers) {
    const program = how === 'delta' ? await writeDeltaLayer(tar!, context) : undefined;
    if (program !== undefined) owned.push(...program.streams);
    programs.push(program);
    if (program === undefined || program.producedBytes === tar!.sizeBytes) continue;
    throw new DidiffError(
      'INTERNAL',
      `layer ${diffId} was planned as ${program.producedBytes} of ${tar!.sizeBytes} bytes`,
    );
  }
  return { programs, views: views.views };
}
