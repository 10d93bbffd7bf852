/**
 * From an image reference to the store that holds it, or is to hold it. A path that exists is recognised by what is in
 * it; a word that is no path is the engine's.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../bytes/digest.ts';
import { openFile } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import { compressionOf } from '../image/media-types.ts';
import {
  type FileTransport,
  type ImageReference,
  parseReference,
  splitPathAndRef,
} from '../image/reference.ts';
import type { ImageSink, OpenedImage, OpenOptions, StoreOptions } from '../image/store.ts';
import { listTar } from './archive/entries.ts';
import { openDockerArchive } from './archive/open.ts';
import { openDockerArchiveSink } from './archive/sink.ts';
import { closestImage, findImageWithLayers } from './engine/base.ts';
import { type Engine, openEngine } from './engine/kind.ts';
import { openEngineImage } from './engine/read.ts';
import { openEngineSink } from './engine/write.ts';
import { openOciArchiveSink } from './oci/archive-sink.ts';
import { openOciArchive, openOciLayout } from './oci/open.ts';
import { openOciSink } from './oci/sink.ts';

/** Which engine bare references mean. */
export interface EngineChoice {
  /** Absent: as the docker command line decides (DOCKER_HOST, contexts). */
  readonly host?: string | undefined;
}

/** Opens the image that `text` names. Throws USAGE, NOT_FOUND, UNREACHABLE and what the store throws. */
export async function openImage(text: string, options: OpenOptions & EngineChoice): Promise<OpenedImage> {
  const reference = recognise(parseReference(text));
  switch (reference.transport) {
    case 'engine':
      return await openFromEngine(reference.text, options);
    case 'docker-archive':
      return await openDockerArchive(reference.path, reference.ref, options);
    case 'oci':
      return await openOciLayout(reference.path, reference.ref, options);
    case 'oci-archive':
      return await openOciArchive(reference.path, reference.ref, options);
    default:
      throw noRegistry(text);
  }
}

async function openFromEngine(text: string, options: OpenOptions & EngineChoice): Promise<OpenedImage> {
  const engine = await openEngine(options);
  try {
    return closingEngine(await openEngineImage(engine, text, options), engine);
  } catch (error) {
    engine.close();
    throw error;
  }
}

function closingEngine(image: OpenedImage, engine: Engine): OpenedImage {
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
      engine.close();
    },
  };
}

/** A place to write to, with the name that its reference holds, which the image gets besides those asked for. */
export interface Destination {
  readonly sink: ImageSink;
  readonly names: readonly string[];
  close(): void;
}

/** Opens the place that `text` names; absent, the engine. Throws USAGE when it can't be told what is meant. */
export async function openDestination(
  text: string | undefined,
  options: StoreOptions & EngineChoice,
): Promise<Destination> {
  const reference: ImageReference =
    text === undefined || text === 'docker-daemon:'
      ? { transport: 'engine', text: '', explicit: true }
      : recognise(parseReference(text));
  const local = (sink: ImageSink): Destination => ({ sink, names: [], close() {} });
  switch (reference.transport) {
    case 'engine': {
      const engine = await openEngine(options);
      const names = reference.text === '' ? [] : [reference.text];
      return { sink: openEngineSink(engine, options), names, close: () => engine.close() };
    }
    case 'docker-archive':
      return local(openDockerArchiveSink(reference.path, reference.ref, options));
    case 'oci':
      return local(openOciSink(reference.path, reference.ref, options));
    case 'oci-archive':
      return local(openOciArchiveSink(reference.path, reference.ref, options));
    default:
      throw noRegistry(text!);
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
  const engine = await openEngine(options);
  try {
    const found = await findImageWithLayers(engine, needed, options.signal);
    if (found !== undefined) return closingEngine(await openEngineImage(engine, found.id, options), engine);
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
    engine.close();
    throw error;
  }
}

/** Turns paths, and words that are the name of an existing image file, into references of a known transport. */
function recognise(reference: ImageReference): Exclude<ImageReference, { transport: 'path' }> {
  if (reference.transport === 'path') return recognisePath(reference.text) ?? unknownPath(reference.text);
  if (reference.transport !== 'engine' || reference.explicit) return reference;
  return recognisePath(reference.text) ?? reference;
}

type FileReference = Extract<ImageReference, { transport: FileTransport }>;

function recognisePath(text: string): FileReference | undefined {
  if (existsSync(text)) return recogniseFile(text, undefined);
  const { path, ref } = splitPathAndRef(text);
  return ref !== undefined && ref !== '' && path !== '' && existsSync(path)
    ? recogniseFile(path, ref)
    : undefined;
}

/** Undefined for what is no image: then a word may still be a name of the engine's. */
function recogniseFile(path: string, ref: string | undefined): FileReference | undefined {
  const reference = (transport: FileTransport): FileReference => ({
    transport,
    path,
    ...(ref === undefined ? {} : { ref }),
  });
  if (statSync(path).isDirectory())
    return existsSync(join(path, 'oci-layout')) ? reference('oci') : undefined;
  if (isCompressed(path)) return reference('docker-archive');
  const names = tarNames(path);
  if (names.has('manifest.json')) return reference('docker-archive');
  return names.has('oci-layout') ? reference('oci-archive') : undefined;
}

function isCompressed(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const start = new Uint8Array(4);
    readSync(fd, start, 0, 4, 0);
    return compressionOf(start) !== 'none';
  } finally {
    closeSync(fd);
  }
}

function tarNames(path: string): ReadonlySet<string> {
  const file = openFile(path);
  try {
    return new Set(listTar(file, path).map(({ name }) => name));
  } catch {
    return new Set();
  } finally {
    file.close();
  }
}

function unknownPath(text: string): never {
  const { path } = splitPathAndRef(text);
  if (!existsSync(text) && !existsSync(path)) {
    throw new DidiffError('NOT_FOUND', `there is nothing at ${text}`, {
      hint: 'Check the path. To write there, say in which form: docker-archive:FILE, oci:DIR or oci-archive:FILE.',
    });
  }
  throw new DidiffError('USAGE', `${text} is no image: neither an OCI layout, nor an OCI or docker archive`, {
    hint: 'Archives are made with `docker save -o FILE IMAGE` or `skopeo copy … oci:DIR`.',
  });
}

function noRegistry(text: string): DidiffError {
  return new DidiffError('UNSUPPORTED', `this version of didiff can't reach registries itself: ${text}`, {
    hint: `Copy the image first, with \`skopeo copy ${text} oci:DIR:REF\` or \`docker pull\`.`,
  });
}
