/**
 * Gets an image from a registry the cheapest way: by patches from what is here, by whole layers, or both. Guards that a
 * pull ends with the very image the registry names, or leaves the destination as it was; what was fetched by then is
 * kept for the next try.
 */
import type { Digest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import type { ImageSink, OpenOptions, Published, TargetImage } from '../../image/store.ts';
import type { Cache } from '../../stores/cache/cache.ts';
import type { ResolvedImage } from '../../stores/resolve-image.ts';
import { planAlternatives, planWay, type Step, type Way } from '../plan.ts';
import { deliver } from './deliver.ts';
import type { KeptDocuments } from './documents.ts';
import type { Holding } from './holdings.ts';
import { proveKeptLayers, tokenOf } from './layers.ts';
import { type Pace, startPace } from './pace.ts';
import { type Survey, type SurveyContext, survey } from './survey.ts';
import { takeLayer, takePatch } from './take.ts';

export interface PullOptions extends OpenOptions {
  readonly names: readonly string[];
  /** Told what a user should know: that a patch was of no use, above all. */
  readonly note: (message: string) => void;
}

export interface PullSetting {
  readonly image: ResolvedImage;
  readonly documents: KeptDocuments;
  readonly sink: ImageSink;
  /** Called only when something is to be fetched. */
  readonly findHoldings: () => Promise<readonly Holding[]>;
  /** Where this image is kept while it is on its way. */
  readonly cache: Cache;
}

/** A way in words that need no survey: what is fetched, and how much. */
export interface DescribedWay {
  readonly bytes: number;
  readonly steps: readonly (
    | { readonly kind: 'layer'; readonly layer: Digest; readonly bytes: number }
    | { readonly kind: 'patch'; readonly patch: Digest; readonly base: string; readonly bytes: number }
  )[];
}

export interface PullPlan {
  readonly wasThere: boolean;
  readonly chosen: DescribedWay;
  /** Other ways: each patch straight to the image, and all layers. The cheapest first. */
  readonly others: readonly DescribedWay[];
}

export interface PullResult extends Published {
  readonly wasThere: boolean;
  readonly writtenLayers: number;
  /** What came over the line of patches and layers in this run. */
  readonly fetchedBytes: number;
  /** Patches that were run, the last one last. */
  readonly patches: readonly Digest[];
}

/** What `pullImage` would do. Fetches nothing but documents, and writes nothing to the destination. */
export async function planPull(setting: PullSetting, options: PullOptions): Promise<PullPlan> {
  if ((await setting.sink.find(targetOf(setting.image))) !== undefined)
    return { wasThere: true, chosen: { bytes: 0, steps: [] }, others: [] };
  const context = await contextOf(setting, options);
  const lacking = await setting.sink.findLacking(context.target);
  const found = await survey(context, lacking, new Set(), options);
  const way = planWay(found.wanted, found.have, found.offers);
  if (way === undefined) throw noWay(setting);
  const chosen = describeWay(way, found);
  const others = planAlternatives(found.wanted, found.have, found.offers)
    .map((other) => describeWay(other, found))
    .filter((other) => JSON.stringify(other) !== JSON.stringify(chosen));
  return { wasThere: false, chosen, others };
}

/**
 * Pulls the image into the sink. Steps that fail because of what was offered are left out, and the next best way is
 * taken. Throws when none is left, and what the stores throw.
 */
export async function pullImage(setting: PullSetting, options: PullOptions): Promise<PullResult> {
  const { sink, cache } = setting;
  const counts: Counts = { fetchedBytes: 0, patches: [] };
  const target = targetOf(setting.image);
  if ((await sink.find(target)) !== undefined) {
    const published = await sink.commit(target, options.names);
    return { ...published, ...counts, wasThere: true, writtenLayers: 0 };
  }
  cache.lock();
  try {
    const context = await contextOf(setting, options);
    const pace = startPace(cache.hasLeftovers());
    await proveKeptLayers(cache, options.signal);
    await makeLayers(context, counts, pace, options);
    const delivered = await deliver(context, options.names, options);
    cache.clear();
    setting.documents.forget();
    return { ...delivered, ...counts, wasThere: false };
  } finally {
    cache.release();
  }
}

interface Counts {
  fetchedBytes: number;
  patches: Digest[];
}

/** Goes step by step; after a failure it looks again at what is here by then, and what is still offered. */
async function makeLayers(
  context: SurveyContext,
  counts: Counts,
  pace: Pace,
  options: PullOptions,
): Promise<void> {
  const lacking = await context.sink.findLacking(context.target);
  const refused = new Set<Digest>();
  let failure: unknown;
  for (;;) {
    const found = await survey(context, lacking, refused, options);
    const way = planWay(found.wanted, found.have, found.offers);
    if (way === undefined) throw failure ?? noWay(context);
    const done = await takeSteps(context, found, way, counts, pace, options);
    if (done === undefined) return;
    failure = done.error;
    refused.add(nameOf(done.step));
    const what =
      done.step.kind === 'patch' ? `The patch ${nameOf(done.step)}` : `The layer ${nameOf(done.step)}`;
    options.note(`${what} is of no use: ${done.error.message}. Taking the next best way.`);
  }
}

/** Takes them all, or gives the one that failed by what the registry offered. Throws every other failure. */
async function takeSteps(
  context: SurveyContext,
  { patches, wanted, have }: Survey,
  way: Way,
  counts: Counts,
  pace: Pace,
  options: PullOptions,
): Promise<{ readonly step: Step; readonly error: DidiffError } | undefined> {
  const before = counts.fetchedBytes;
  const onBytes = (count: number): void => {
    counts.fetchedBytes += count;
    const doneBytes = counts.fetchedBytes - before;
    options.onProgress?.({ phase: 'pull', doneBytes, totalBytes: Math.max(doneBytes, way.bytes) });
  };
  // Within a pull there is one progress, that of the line.
  const stepOptions = { tempDirectory: options.tempDirectory, signal: options.signal, onBytes, pace };
  for (const [i, step] of way.steps.entries()) {
    options.signal?.throwIfAborted();
    try {
      if (step.kind === 'layer') {
        const layer = context.target.layers.find(
          (each) => tokenOf(each, context.sink.takes) === step.diffId,
        )!;
        await takeLayer(context, layer, stepOptions);
        continue;
      }
      const later = [...wanted, ...needsOf(way.steps.slice(i + 1))];
      const needed = new Set(later.filter((digest) => !have.has(digest)));
      await takePatch(context, patches.get(step.patch.digest)!, needed, stepOptions);
      counts.patches.push(step.patch.digest);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof DidiffError && OFFERS_FAULT.has(error.code)) return { step, error };
      throw error;
    }
  }
  return undefined;
}

/** Another way may do without what failed like this. */
const OFFERS_FAULT: ReadonlySet<string> = new Set([
  'CORRUPT_INPUT',
  'RESULT_MISMATCH',
  'BASE_MISMATCH',
  'UNSUPPORTED',
  'NOT_FOUND',
  'LIMIT',
]);

function needsOf(steps: readonly Step[]): readonly Digest[] {
  return steps.flatMap((step) => (step.kind === 'patch' ? step.patch.needs : []));
}

function nameOf(step: Step): Digest {
  return step.kind === 'patch' ? step.patch.digest : step.diffId;
}

function describeWay({ bytes, steps }: Way, { patches }: Survey): DescribedWay {
  return {
    bytes,
    steps: steps.map((step) => {
      if (step.kind === 'layer') return { kind: 'layer', layer: step.diffId, bytes: step.bytes };
      const { name: base } = patches.get(step.patch.digest)!.entry.description.base;
      return { kind: 'patch', patch: step.patch.digest, base, bytes: step.bytes };
    }),
  };
}

async function contextOf(setting: PullSetting, options: PullOptions): Promise<SurveyContext> {
  const holdings = await setting.findHoldings();
  return { ...setting, holdings, target: targetOf(setting.image), note: options.note };
}

/** The image as a sink is told of it, but for the sizes of tars, which nothing says yet. */
function targetOf({ config, manifest, index, parsed, parsedConfig }: ResolvedImage): TargetImage {
  return {
    config,
    manifest,
    manifestIsOwn: true,
    index,
    platform: parsedConfig.platform,
    layers: parsed.layers.map(({ digest, sizeBytes, mediaType }, position) => ({
      diffId: parsedConfig.diffIds[position]!,
      tarSizeBytes: 0,
      blob: { digest, sizeBytes, mediaType },
    })),
  };
}

function noWay({ sink }: Pick<PullSetting, 'sink'>): DidiffError {
  return new DidiffError('NOT_FOUND', `the registry offers no way to this image for ${sink.name}`);
}
