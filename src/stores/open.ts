/**
 * From an image reference to the store that holds it, or is to hold it. A path that exists is recognised by what is in
 * it; a word that is no path is the engine's.
 */
import type { Digest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { formatImageName, parseTagOption } from '../image/image-name.ts';
import type { ImageSink, OpenedImage, OpenedIndex, OpenOptions, StoreOptions } from '../image/store.ts';
import { openDockerArchive } from './archive/open.ts';
import { openDockerArchiveSink } from './archive/sink.ts';
import { closestImage, findImageWithLayers } from './engine/base.ts';
import { type Engine, openEngine } from './engine/kind.ts';
import { openEngineImage } from './engine/read.ts';
import { openEngineSink } from './engine/write.ts';
import { openOciArchiveSink } from './oci/archive-sink.ts';
import { findArchiveIndex, findLayoutIndex, openOciArchive, openOciLayout } from './oci/open.ts';
import { openOciSink } from './oci/sink.ts';
import { recogniseDestination, recogniseSource, type StoreReference, withFilesTried } from './recognise.ts';
import type { RegistryOptions } from './registry/connection.ts';
import { findRegistryIndex, openRegistryImage } from './registry/read.ts';
import { assertNameIn, openRegistrySink } from './registry/write.ts';

/** Which engine bare references mean. */
export interface EngineChoice {
  /** Absent: as the docker command line decides (DOCKER_HOST, contexts). */
  readonly host?: string | undefined;
  /** One connection for several calls: what was learnt of the engine's images for one serves the others. */
  readonly shared?: SharedEngine | undefined;
}

/** How registries are reached. */
export interface RegistryChoice {
  readonly registry?: RegistryOptions | undefined;
}

/** An engine that is connected to when the first call needs it. */
export interface SharedEngine {
  open(): Promise<Engine>;
  /** To be called when everything opened through it is closed. */
  close(): Promise<void>;
}

export function shareEngine(
  choice: EngineChoice & { readonly signal?: AbortSignal | undefined },
): SharedEngine {
  let opened: Promise<Engine> | undefined;
  return {
    open() {
      opened ??= openEngine(choice);
      return opened;
    },
    async close() {
      const engine = await opened?.catch(() => undefined);
      engine?.close();
    },
  };
}

/** The engine for one call, and what is to be done when the call's image or sink is closed. */
async function engineFor(
  options: EngineChoice & { readonly signal?: AbortSignal | undefined },
): Promise<{ readonly engine: Engine; readonly done: () => void }> {
  if (options.shared !== undefined) return { engine: await options.shared.open(), done() {} };
  const engine = await openEngine(options);
  return { engine, done: () => engine.close() };
}

/** Opens the image that `text` names. Throws USAGE, NOT_FOUND, UNREACHABLE and what the store throws. */
export async function openImage(
  text: string,
  options: OpenOptions & EngineChoice & RegistryChoice,
): Promise<OpenedImage> {
  const reference = recogniseSource(text);
  switch (reference.transport) {
    case 'engine':
      return await openFromEngine(reference.text, options).catch((error: unknown) => {
        throw withFilesTried(error, reference);
      });
    case 'docker-archive':
      return await openDockerArchive(reference.path, reference.ref, options);
    case 'oci':
      return await openOciLayout(reference.path, reference.ref, options);
    case 'oci-archive':
      return await openOciArchive(reference.path, reference.ref, options);
    case 'registry':
      return await openRegistryImage(reference.name, options);
  }
}

/**
 * Opens all that the index named by `text` names; undefined when `text` names one image, or is of a store that keeps no
 * indexes. Throws as `openImage`, and UNSUPPORTED for an index of indexes.
 */
export async function findIndex(
  text: string,
  options: StoreOptions & RegistryChoice,
): Promise<OpenedIndex | undefined> {
  const reference = recogniseSource(text);
  switch (reference.transport) {
    case 'oci':
      return await findLayoutIndex(reference.path, reference.ref, options);
    case 'oci-archive':
      return await findArchiveIndex(reference.path, reference.ref, options);
    case 'registry':
      return await findRegistryIndex(reference.name, options);
    default:
      return undefined;
  }
}

async function openFromEngine(text: string, options: OpenOptions & EngineChoice): Promise<OpenedImage> {
  const { engine, done } = await engineFor(options);
  try {
    return closingWith(await openEngineImage(engine, text, options), done);
  } catch (error) {
    done();
    throw error;
  }
}

function closingWith(image: OpenedImage, done: () => void): OpenedImage {
  return {
    name: image.name,
    diffIds: image.diffIds,
    platform: image.platform,
    hasBlobs: image.hasBlobs,
    readMetadata: (options) => image.readMetadata(options),
    openTars: (positions, options) => image.openTars(positions, options),
    openBlobs: (positions, options) => image.openBlobs(positions, options),
    async close() {
      await image.close();
      done();
    },
  };
}

/** A place to write to, with the name that its reference holds, which the image gets besides those asked for. */
export interface Destination {
  readonly sink: ImageSink;
  readonly names: readonly string[];
  close(): void;
}

/** What is known of a write before it begins. */
export interface WriteChoice {
  /** References to images that may share layers with what is written: a registry takes those over from there. */
  readonly alsoAt?: readonly string[] | undefined;
  /** Names that the image is to get; one that this place can't give is told at once, not when everything is done. */
  readonly tags?: readonly string[] | undefined;
}

/** Opens the place that `text` names; absent, the engine. Throws USAGE when it can't be told what is meant. */
export async function openDestination(
  text: string | undefined,
  options: StoreOptions & EngineChoice & RegistryChoice & WriteChoice,
): Promise<Destination> {
  const reference: StoreReference =
    text === undefined || text === 'docker-daemon:'
      ? { transport: 'engine', text: '', explicit: true }
      : recogniseDestination(text);
  const local = (sink: ImageSink): Destination => ({ sink, names: [], close() {} });
  switch (reference.transport) {
    case 'engine': {
      const names = reference.text === '' ? [] : [reference.text];
      // A wrong name is told now, not when everything is done.
      names.forEach(parseTagOption);
      const { engine, done } = await engineFor(options);
      return { sink: openEngineSink(engine, options), names, close: done };
    }
    case 'docker-archive':
      return local(openDockerArchiveSink(reference.path, reference.ref, options));
    case 'oci':
      return local(openOciSink(reference.path, reference.ref, options));
    case 'oci-archive':
      return local(openOciArchiveSink(reference.path, reference.ref, options));
    case 'registry': {
      const { name } = reference;
      const mountFrom = repositoriesOf(options.alsoAt ?? [], name.registry);
      for (const tag of options.tags ?? []) assertNameIn(tag, name);
      const sink = openRegistrySink(name, { ...options, mountFrom });
      return { sink, names: [formatImageName(name)], close: () => void sink.abort() };
    }
  }
}

/**
 * The engine's image that has all the layers in `needed`, opened. Throws BASE_MISMATCH naming the nearest image and what
 * it lacks.
 */
export async function findBase(
  needed: readonly Digest[],
  baseName: string,
  options: OpenOptions & EngineChoice,
): Promise<OpenedImage> {
  const { engine, done } = await engineFor(options);
  try {
    const found = await findImageWithLayers(engine, needed, options.signal);
    if (found !== undefined) return closingWith(await openEngineImage(engine, found.id, options), done);
    const closest = await closestImage(engine, needed, options.signal);
    const near =
      closest === undefined
        ? 'none has any of them'
        : `the nearest, ${closest.names[0] ?? closest.id}, lacks ${closest.missing.map((id) => id.slice(7, 19)).join(', ')}`;
    throw new DidiffError(
      'BASE_MISMATCH',
      `no image of the engine at ${engine.address} has the ${needed.length} layers this patch is based on: ${near}`,
      {
        hint: `The patch was made from ${baseName}: get that image into the engine, or name another store with --base.`,
        data: { needed, closest },
      },
    );
  } catch (error) {
    done();
    throw error;
  }
}

/** The repositories of `registry` among image references. */
function repositoriesOf(texts: readonly string[], registry: string): readonly string[] {
  return texts.flatMap((text) => {
    const reference = recogniseSource(text);
    return reference.transport === 'registry' && reference.name.registry === registry
      ? [reference.name.repository]
      : [];
  });
}
