/**
 * Makes a patch: plan, match, code, write under a temporary name, replay what was written, and only then move it into
 * place. The same images and options give the same bytes.
 */
import { openPendingFile, type PendingFile, processorCount } from '../bytes/file.ts';
import { shareMixer } from '../codec/mix-decoder.ts';
import { DidiffError } from '../errors.ts';
import { formatPlatform, samePlatform } from '../image/platform.ts';
import type { LayerTar, OpenedImage, StoreOptions } from '../image/store.ts';
import { FORM_BITCODE, FORM_STRINGS } from '../nested/forms.ts';
import { encodeViews, type View } from '../nested/views.ts';
import { DELTA_STREAMS, STREAM_SEEKS, STREAM_VIEWS } from '../patch/format.ts';
import { blobContent, blobsRead } from './blob-copies.ts';
import { codeBlob } from './code-blob.ts';
import type { FileCounts } from './delta-layer.ts';
import { openEarlyCoders } from './early-coder.ts';
import { DEFAULT_EFFORT, type Effort, effortOf, plainEffort } from './effort.ts';
import { type CodedStream, type CodeOptions, codeStream, codeStreams } from './entropy.ts';
import { NO_EXECUTABLES } from './executable-counts.ts';
import { type Assembly, assembleHeader, type PatchView, useBase } from './header.ts';
import { matchLayers } from './match-layers.ts';
import { defaultMemory, effortWithin, mayGoOn, threadsWithin } from './memory.ts';
import { type Plan, planLayers } from './plan.ts';
import { provePatch } from './prove.ts';
import { type CreateReport, reportOf } from './report.ts';
import { type Settled, settlePlan } from './settle.ts';
import { writeSeeks } from './source-log.ts';
import { openSpool } from './spool.ts';
import { type LateThreads, openLateThreads } from './threads/late-threads.ts';
import { openThreads } from './threads/open-threads.ts';
import type { Pool } from './threads/pool.ts';
import { writePatch } from './write.ts';

export interface CreateOptions extends StoreOptions {
  /** Whether the target's blobs are to be exact, not only its layers; true unless said otherwise. */
  readonly blobs?: boolean | undefined;
  /**
   * Whether receivers that keep blobs may be expected to have the base's own; true unless said otherwise. Only where the
   * base given here has them, and only blobs that no recipe makes depend on it.
   */
  readonly baseBlobs?: boolean | undefined;
  /** How hard to try, from 1 (fast) to 9 (small); 6 unless said otherwise. */
  readonly effort?: number | undefined;
  /**
   * Threads that match files and code streams; as many as there are processors unless said otherwise. The patch does
   * not depend on it.
   */
  readonly threads?: number | undefined;
  /**
   * Bytes that it may take, about; 190 MB and 50 MB for each processor beyond the second unless said otherwise. From
   * 190 MB on the patch does not depend on it.
   */
  readonly memory?: number | undefined;
}

/**
 * Writes the patch that turns `base` into `target` to `path`. Both images stay open. Throws USAGE when the platforms
 * differ, and what the stores throw; the file at `path` is untouched unless everything was proved.
 */
export async function createPatch(
  base: OpenedImage,
  target: OpenedImage,
  path: string,
  options: CreateOptions,
): Promise<CreateReport> {
  return await createPatchIn(base, target, () => openPendingFile(path), options);
}

/** The same into a file that `openFile` starts, which is committed when it is proved. */
export async function createPatchIn(
  base: OpenedImage,
  target: OpenedImage,
  openFile: () => PendingFile,
  options: CreateOptions,
): Promise<CreateReport> {
  assertSamePlatform(base, target);
  try {
    return await makePatch(base, target, openFile, options, (effort) => effort);
  } catch (error) {
    if (!(error instanceof UnprovedError)) throw error;
    // An error of ours, in what knows most of files. A larger patch is worth more than none.
    const report = await makePatch(base, target, openFile, options, plainEffort).catch((again: unknown) => {
      throw again instanceof UnprovedError ? again.cause : again;
    });
    return { ...report, unproved: messageOf(error.cause) };
  }
}

/** The proof of a patch that was made has failed, for the reason that `cause` is. */
class UnprovedError extends Error {}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function makePatch(
  base: OpenedImage,
  target: OpenedImage,
  openFile: () => PendingFile,
  options: CreateOptions,
  adapt: (effort: Effort) => Effort,
): Promise<CreateReport> {
  let pool: Pool | undefined;
  const settings: Settings = settingsOf(options, adapt, () => {
    // What a coder takes while it runs is more than threads leave, mostly.
    if (room() < 1) pool?.rest();
  });
  const { threads, memoryBytes, early } = settings;
  const room = () => threadsWithin(memoryBytes, threads - 1, early?.takenBytes ?? 0);
  // Whether it can be written shows now, not after the minutes that making it may take.
  openFile().abort();
  const { blobs = true, baseBlobs = true } = options;
  const planned = await planLayers(base, target, { ...options, blobs, baseBlobs });
  const owned: { close(): void }[] = [];
  if (threads > 1 && isWorthThreads(planned)) pool = openThreads(room, options.signal);
  if (pool !== undefined) settings.lateThreads = openLateThreads(pool);
  try {
    // They come up while the base is read.
    pool?.start();
    const tars = await openBase(base, planned, options);
    const counts: FileCounts = { same: 0, changed: 0, added: 0, predicted: 0 };
    const matched = await matchLayers(tars, planned, settings, pool, counts, owned);
    // Who goes on needn't be started again; else the memory for matching is given back.
    if (!mayGoOn(memoryBytes, threads - 1)) pool?.rest();
    const settled = await settlePlan(planned, matched.programs, settings, owned);
    const assembly = await codeLayers(base, target, tars, settled, matched.views, settings, owned);
    const { plan } = settled;
    const header = assembleHeader(assembly);
    const pending = openFile();
    try {
      writePatch(pending, header, plan.metadata, assembly.streams);
      const sources = {
        written: pending.written,
        tars: header.base.layers.map(({ diffId }) => tars.find((tar) => tar.diffId === diffId)?.content),
        blobs: blobContent(plan.blobSpace, assembly.baseBlobs),
      };
      await provePatch(sources, header, settings).catch((cause: unknown) => {
        throw isOfPatch(cause, options.signal) ? new UnprovedError('not proved', { cause }) : cause;
      });
      options.signal?.throwIfAborted();
      pending.commit();
    } catch (error) {
      pending.abort();
      throw error;
    }
    return reportOf({ base: base.name, target: target.name }, header, pending.sizeBytes, plan, counts);
  } finally {
    settings.early?.close();
    // What threads read is closed only when they have ended.
    await pool?.close();
    for (const each of owned) each.close();
  }
}

/** Whether a failed proof tells something about the patch, and not about the machine or what the user wants. */
function isOfPatch(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return false;
  return (
    !(error instanceof DidiffError) || error.code === 'RESULT_MISMATCH' || error.code === 'CORRUPT_INPUT'
  );
}

/** Threads for what comes after matching are opened then. */
interface Settings extends CodeOptions {
  readonly memoryBytes: number;
  lateThreads?: LateThreads | undefined;
}

/** What the options mean. Throws USAGE for values that there are not. */
function settingsOf(
  options: CreateOptions,
  adapt: (effort: Effort) => Effort,
  onEarly: () => void,
): Settings {
  const { effort = DEFAULT_EFFORT, threads = processorCount() } = options;
  if (!Number.isInteger(threads) || threads < 1)
    throw new DidiffError('USAGE', `there can't be ${threads} threads: expected a whole number from 1 on`);
  const memoryBytes = options.memory ?? defaultMemory(threads);
  const tried = effortWithin(adapt(effortOf(effort)), memoryBytes);
  const codesEarly = threads > 1 && tried.codesEarly;
  const early = codesEarly ? openEarlyCoders(tried, options.tempDirectory, onEarly) : undefined;
  return { ...options, effort: tried, threads, memoryBytes, early };
}

/** An update never changes the platform; who asks for that has picked the wrong one of an index's images. */
function assertSamePlatform(base: OpenedImage, target: OpenedImage): void {
  if (samePlatform(base.platform, target.platform)) return;
  throw new DidiffError(
    'USAGE',
    `${base.name} is for ${formatPlatform(base.platform)}, ${target.name} for ${formatPlatform(target.platform)}: ` +
      'base and target must be of one platform',
    { hint: 'Where a name holds images of several platforms, choose one with --platform.' },
  );
}

/** Starting a thread takes as long as making a patch of so many bytes, about. */
const WORTH_THREADS_BYTES = 16 << 20;

function isWorthThreads({ layers }: Plan): boolean {
  const made = layers.filter(({ how }) => how === 'delta');
  return made.reduce((sum, { tar }) => sum + tar!.sizeBytes, 0) >= WORTH_THREADS_BYTES;
}

/** All layers of the base, unless the target takes nothing from it. */
async function openBase(base: OpenedImage, plan: Plan, options: StoreOptions): Promise<readonly LayerTar[]> {
  if (plan.layers.every(({ how }) => how === 'blob')) return [];
  return await base.openTars([...base.diffIds.keys()], options);
}

async function codeLayers(
  base: OpenedImage,
  target: OpenedImage,
  tars: readonly LayerTar[],
  settled: Settled,
  opened: readonly View[],
  options: CodeOptions,
  owned: { close(): void }[],
): Promise<Assembly> {
  const { plan, programs } = settled;
  const copies = plan.layers.flatMap(({ blob }) => (blob?.source === 'copies' ? blob.copies! : []));
  const copied = blobsRead(plan.blobSpace, copies);
  const { layers, views, toPatchAddress } = useBase(tars, plan, programs, opened, copied.blobs);
  const streams: (readonly CodedStream[])[] = [];
  for (const layer of plan.layers) {
    const { position } = layer;
    const program = programs[position];
    const coded = [...(settled.coded.get(position) ?? [])];
    if (program !== undefined) {
      writeSeeks(program.seeks, program.sources, toPatchAddress[position]!);
      const left = settled.coded.has(position) ? [STREAM_SEEKS] : DELTA_STREAMS;
      coded.push(...(await codeStreams(program.streams, left, position, options)));
    }
    if (views[position]!.length > 0) coded.push(await codeViews(views[position]!, options));
    if (layer.blob !== undefined) {
      const { diffId, tar } = layer;
      const tarBytes = tar?.sizeBytes ?? tars.find((each) => each.diffId === diffId)?.content.sizeBytes ?? 0;
      coded.push(...(await codeBlob(layer.blob, tarBytes, copied.toPatchAddress, options)));
    }
    owned.push(...coded);
    streams.push(coded);
  }
  return {
    baseName: base.name,
    targetName: target.name,
    platform: target.platform,
    baseLayers: layers,
    baseBlobs: copied.blobs,
    plan,
    executables: programs.map((program) => program?.executables ?? NO_EXECUTABLES),
    parts: programs.some((program) => (program?.parts ?? 0) > 0) || views.some(({ length }) => length > 0),
    bitcodeBytes: Math.max(
      0,
      ...programs.map((program) => program?.bitcodeBytes ?? 0),
      ...views.map((own) => largestBitcode(own)),
    ),
    strings:
      programs.some((program) => program?.strings === true) ||
      views.some((own) => own.some(({ form }) => form === FORM_STRINGS)),
    digests: Math.max(0, ...programs.map((program) => program?.digests ?? 0)),
    viewBytes: views.map((own) => own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
    streams,
  };
}

/** Closed and plain. */
function largestBitcode(views: readonly PatchView[]): number {
  return views.reduce(
    (most, { form, address, end, sizeBytes }) =>
      form === FORM_BITCODE ? Math.max(most, end - address + sizeBytes) : most,
    0,
  );
}

/** The list of views is wanted before the layer begins. */
async function codeViews(views: readonly PatchView[], options: CodeOptions): Promise<CodedStream> {
  const spool = openSpool(options.tempDirectory);
  spool.append(encodeViews(views), 0);
  try {
    const coded = await codeStream(STREAM_VIEWS, spool, options, shareMixer());
    const close = () => {
      coded.close();
      spool.close();
    };
    return { ...coded, close };
  } catch (error) {
    spool.close();
    throw error;
  }
}
