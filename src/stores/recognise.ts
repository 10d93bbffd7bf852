/**
 * What a reference means, given what is on the disk. An explicit transport is taken at its word; a path is recognised
 * by what is in it; a bare word is the engine's, unless a file or folder of that name holds an image. A folder `nginx`
 * that is no image never hides the engine's `nginx`.
 */
import { join } from 'node:path';
import { readRange } from '../bytes/access.ts';
import { openFile } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import { compressionOf } from '../image/media-types.ts';
import {
  type FileTransport,
  type ImageReference,
  parseReference,
  splitPathAndRef,
} from '../image/reference.ts';
import { walkTar } from '../tar/walk.ts';
import { statIfThere } from './input-file.ts';

/** A reference whose store is known. */
export type StoreReference = Exclude<ImageReference, { transport: 'path' }>;

/** Says where the image that `text` names is. Throws USAGE, UNSUPPORTED, or NOT_FOUND for paths with nothing there. */
export function recogniseSource(text: string): StoreReference {
  const reference = parseReference(text);
  if (reference.transport === 'path') return recognisePath(text) ?? failPath(text);
  if (reference.transport !== 'engine' || reference.explicit) return reference;
  return recognisePath(text) ?? reference;
}

/**
 * Says where `text` wants an image written. Throws as `recogniseSource`, and USAGE for new paths, which don't show a
 * form, and for words that are more likely meant to be a file than a name in the engine.
 */
export function recogniseDestination(text: string): StoreReference {
  const reference = recogniseSource(text);
  if (reference.transport === 'engine' && !reference.explicit && FILE_NAME.test(reference.text)) {
    throw new DidiffError('USAGE', `${text} may be meant as a file or as a name in the engine`, {
      hint: `Write docker-archive:${text} or oci-archive:${text} for a file, docker-daemon:${text} for a name.`,
    });
  }
  return reference;
}

/** To an engine's failure to give what a bare word names, or to take it for a name, adds what became of that word as a file's name. */
export function withFilesTried(error: unknown, reference: StoreReference): unknown {
  const isMiss = error instanceof DidiffError && ['NOT_FOUND', 'UNREACHABLE', 'USAGE'].includes(error.code);
  if (!isMiss || reference.transport !== 'engine' || reference.explicit) return error;
  const { path } = splitPathAndRef(reference.text);
  const stat = statIfThere(reference.text) ?? statIfThere(path);
  if (stat === undefined && !/[/\\]/.test(path) && !FILE_NAME.test(path)) return error;
  const tried =
    stat === undefined
      ? `There is no file ${path}, so it was taken for an image of the engine.`
      : `There is a ${stat.isDirectory() ? 'folder' : 'file'} of that name too, but it holds no image.`;
  return new DidiffError(error.code, error.message, {
    hint: error.hint === undefined ? tried : `${tried} ${error.hint}`,
    data: error.data,
    cause: error,
  });
}

/** Names that people give to files. */
const FILE_NAME = /\.(?:tar|tgz|tzst|tar\.\w+|oci|json)$/i;
/** What the files at the top of image archives are called. */
const ARCHIVE_ENTRY = /^(?:\.\/)?(?:blobs\/|[0-9a-f]{64}(?:\/|\.json|\.tar)|manifest\.json$|repositories$)/;
/** An archive's first entries tell enough when its end is missing. */
const MAX_ENTRIES = 100_000;

function recognisePath(text: string): StoreReference | undefined {
  if (statIfThere(text) !== undefined) return describe(text, undefined, text);
  const { path, ref } = splitPathAndRef(text);
  if (ref === undefined || ref === '' || path === '') return undefined;
  return statIfThere(path) === undefined ? undefined : describe(path, ref, text);
}

function describe(path: string, ref: string | undefined, text: string): StoreReference | undefined {
  const transport = transportOf(path, text);
  if (transport === undefined) return undefined;
  return { transport, path, ...(ref === undefined ? {} : { ref }) };
}

/** Undefined for what holds no image. A damaged archive is recognised too, so that opening it can say what is wrong. */
function transportOf(path: string, text: string): FileTransport | undefined {
  const stat = statIfThere(path);
  if (stat?.isDirectory()) return statIfThere(join(path, 'oci-layout')) === undefined ? undefined : 'oci';
  if (!stat?.isFile()) return undefined;
  const file = openFile(path);
  try {
    const start = readRange(file, 0, Math.min(6, file.sizeBytes), 6);
    // What is packed shows only when it is unpacked; a bare word must look like a file's name as well.
    const isPacked = compressionOf(start) !== 'none' || isOtherCompression(start);
    if (isPacked) return /[/\\]/.test(text) || FILE_NAME.test(path) ? 'docker-archive' : undefined;
    return transportOfTar(file);
  } finally {
    file.close();
  }
}

function transportOfTar(file: Parameters<typeof walkTar>[0]): FileTransport | undefined {
  let found: FileTransport | undefined;
  let seen = 0;
  for (const segment of walkTar(file)) {
    if (segment.kind !== 'header') continue;
    const name = segment.entry.path.replace(/^\.\//, '');
    if (name === 'manifest.json') return 'docker-archive';
    if (name === 'oci-layout') found = 'oci-archive';
    else if (found === undefined && ARCHIVE_ENTRY.test(name)) found = 'docker-archive';
    if (++seen > MAX_ENTRIES) break;
  }
  return found;
}

/** xz and bzip2: the archive reader says what to do about them. */
function isOtherCompression(start: Uint8Array): boolean {
  const text = String.fromCharCode(...start);
  return text.startsWith('\xfd7zXZ') || text.startsWith('BZh');
}

function failPath(text: string): never {
  const { path } = splitPathAndRef(text);
  if (statIfThere(text) === undefined && statIfThere(path) === undefined) {
    throw new DidiffError('NOT_FOUND', `there is nothing at ${path}`, {
      hint: 'Check the path. To write there, say in which form: docker-archive:FILE, oci:DIR or oci-archive:FILE.',
    });
  }
  throw new DidiffError('USAGE', `${text} is no image: neither an OCI layout, nor an OCI or docker archive`, {
    hint: 'Archives are made with `docker save -o FILE IMAGE`, layouts with `skopeo copy … oci:DIR`.',
  });
}
