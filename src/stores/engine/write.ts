/**
 * Writes one image into an engine. The engine gets it without a name, and only what it lacks; when it is there and
 * proved to be the one, it gets its names. Whatever goes wrong before leaves no image and no name.
 */
import { type Digest, isDigest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import { familiarImageName, formatImageName, type ImageName, sameImageName } from '../../image/image-name.ts';
import type { ImageSink, Published, StoreOptions, TargetImage } from '../../image/store.ts';
import { type ArchiveForm, archiveFormOf } from './archive-form.ts';
import { throwIfAborted } from './cancel.ts';
import { inspectImage, listImages } from './images.ts';
import type { Engine } from './kind.ts';
import { type Load, startLoad } from './load.ts';
import { parseNames, removeImage, tagImage } from './tags.ts';

/** How long what a failed or cancelled load brought may take to be removed. */
const CLEAN_UP_MS = 30_000;

/** Opens the engine for one image; `options.signal` holds for everything until `commit` is done. */
export function openEngineSink(engine: Engine, options: StoreOptions): ImageSink {
  const form = archiveFormOf(engine);
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  let session: Session | undefined;
  let committing: Promise<Published> | undefined;
  const findLacking = async (target: TargetImage) =>
    firstOfEach(form, target, await form.findLacking(engine, target, { ...options, signal }));
  return {
    name: `${engine.kind === 'podman' ? 'podman' : 'docker engine'} at ${engine.address}`,
    takes: form.takes,
    find: async (target) => ((await form.isThere(engine, target, signal)) ? form.idOf(target) : undefined),
    findLacking,
    async begin(target) {
      if (session !== undefined) throw new Error('begin was called already');
      const wasThere = await form.isThere(engine, target, signal);
      const before = new Set((await listImages(engine, signal)).map(({ id }) => id));
      const lacking = await findLacking(target);
      session = {
        form,
        engine,
        target,
        wasThere,
        before,
        lacking: [...lacking],
        load: startLoad(engine, signal),
      };
      return lacking;
    },
    async putLayer(position, pieces) {
      if (session === undefined) throw new Error('putLayer was called before begin');
      await putLayer(session, position, pieces);
    },
    async commit(target, names) {
      const parsed = parseNames(names);
      committing =
        session === undefined
          ? nameOnly(engine, form, target, parsed, signal)
          : publish(session, parsed, options, signal);
      return await committing;
    },
    async abort() {
      stop.abort();
      // A commit under way cleans up after itself, once it knows what the engine made of what it has.
      await committing?.catch(() => {});
      session?.load.destroy();
    },
  };
}

interface Session {
  readonly engine: Engine;
  readonly form: ArchiveForm;
  readonly target: TargetImage;
  /** Whether the engine had the image, and which others, before: they are no business of a clean-up. */
  readonly wasThere: boolean;
  readonly before: ReadonlySet<Digest>;
  /** Positions still to be put, in order. */
  readonly lacking: number[];
  readonly load: Load;
}

/** Leaves out what an earlier position sends already: layers may repeat, files of an archive should not. */
function firstOfEach(form: ArchiveForm, target: TargetImage, lacking: readonly number[]): readonly number[] {
  const seen = new Set<string>();
  return lacking.filter((position) => {
    const path = form.layerPath(target.layers[position]!);
    return !seen.has(path) && seen.add(path);
  });
}

async function putLayer(
  session: Session,
  position: number,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { form, target, load, lacking } = session;
  if (lacking[0] !== position) {
    throw new Error(`layer ${position} was put, layer ${lacking[0] ?? 'none'} is next`);
  }
  const layer = target.layers[position]!;
  await load.putFile(form.layerPath(layer), form.layerBytes(layer), pieces);
  lacking.shift();
}

async function nameOnly(
  engine: Engine,
  form: ArchiveForm,
  target: TargetImage,
  names: readonly ImageName[],
  signal: AbortSignal,
): Promise<Published> {
  const id = form.idOf(target);
  if (!(await form.isThere(engine, target, signal))) {
    throw new DidiffError('NOT_FOUND', `the engine at ${engine.address} no longer has image ${id}`, {
      hint: 'It was removed meanwhile; run the command again.',
    });
  }
  await tagImage(engine, id, names, signal);
  return published(id, names);
}

async function publish(
  session: Session,
  names: readonly ImageName[],
  options: StoreOptions,
  signal: AbortSignal,
): Promise<Published> {
  const { engine, form, target, load, lacking } = session;
  if (lacking.length > 0) throw new Error(`layer ${lacking[0]} was never put`);
  const id = form.idOf(target);
  for (const { path, bytes } of form.documents(target)) await load.putFile(path, bytes.length, [bytes]);
  let loaded: readonly string[] = [];
  try {
    const { sentBytes } = load;
    options.onProgress?.({ phase: 'unpack in the engine', doneBytes: sentBytes, totalBytes: sentBytes });
    loaded = await load.finish();
    throwIfAborted(signal);
    if (!(await form.isThere(engine, target, signal))) throw wrongResult(engine, id, loaded);
    await tagImage(engine, id, names, signal);
  } catch (error) {
    await cleanUp(session, loaded, names);
    throw error;
  }
  return published(id, names);
}

function published(id: Digest, names: readonly ImageName[]): Published {
  return { id, names: names.map(familiarImageName) };
}

function wrongResult(engine: Engine, expected: Digest, loaded: readonly string[]): DidiffError {
  const found = loaded.length === 0 ? 'reports no image' : `reports ${loaded.join(', ')}`;
  return new DidiffError(
    'RESULT_MISMATCH',
    `the engine at ${engine.address} took the image, but does not have it whole under the ID ${expected}: it ${found}`,
    {
      hint: `What it made of it was removed. ${engine.product} may rewrite images it loads; please report it.`,
      data: { expected, loaded: [...loaded] },
    },
  );
}

/** Removes what a failed load brought. Best effort: the failure that led here is the one to report. */
async function cleanUp(
  session: Session,
  loaded: readonly string[],
  names: readonly ImageName[],
): Promise<void> {
  const { engine, form, target, before, wasThere } = session;
  const id = form.idOf(target);
  const strangers = loaded.filter((name) => isDigest(name) && name !== id && !before.has(name));
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  for (const reference of [...(wasThere ? [] : [id]), ...strangers]) {
    await removeIfOurs(engine, reference, names, signal).catch(() => {});
  }
}

/** Whoever gave the image another name meanwhile wants it: then it stays. */
async function removeIfOurs(
  engine: Engine,
  reference: string,
  names: readonly ImageName[],
  signal: AbortSignal,
): Promise<void> {
  const image = await inspectImage(engine, reference, signal).catch(() => undefined);
  const isOurs = (name: string): boolean => names.some((own) => sameImageName(formatImageName(own), name));
  if (image === undefined || image.names.every(isOurs)) await removeImage(engine, reference, signal);
}
