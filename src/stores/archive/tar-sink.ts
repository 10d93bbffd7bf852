/**
 * The sink of both kinds of archive files. Sizes are known beforehand, so layers stream straight into the file, which
 * stands at its path only after the commit; an older file there is replaced whole. The same image, names and form give
 * the same bytes.
 */
import { dirname, resolve } from 'node:path';
import { bytesAccess } from '../../bytes/access.ts';
import type { Digest } from '../../bytes/digest.ts';
import { DidiffError, toDidiffError } from '../../errors.ts';
import type { RawDocument } from '../../image/manifest.ts';
import type {
  ImageSink,
  Published,
  StoredBlob,
  StoreOptions,
  TargetImage,
  TargetLayer,
} from '../../image/store.ts';
import { blobPath } from './own-manifests.ts';
import { openTarFile, type TarFile } from './tar-file.ts';

/** What tells one kind of archive from the other. */
export interface ArchiveForm {
  readonly name: string;
  readonly takes: 'tar' | 'blob';
  readonly takesIndexes?: boolean;
  /** The documents that go under `blobs/`. */
  documents(target: TargetImage): readonly RawDocument[];
  /** The digest and size of what is stored of a layer. */
  storedLayer(layer: TargetLayer): { readonly digest: Digest; readonly sizeBytes: number };
  /** The files that name what is there, and what came of it. Throws USAGE for names that are none. */
  finish(
    target: TargetImage,
    names: readonly string[],
  ): {
    readonly files: readonly (readonly [name: string, bytes: Uint8Array])[];
    readonly published: Published;
  };
}

interface Writing {
  readonly tar: TarFile;
  readonly target: TargetImage;
  /** Positions that `putLayer` must still be called for, in that order. */
  readonly waiting: number[];
}

/** Nothing touches the disk before `begin`. The folder of `path` must exist. */
export function openTarSink(path: string, form: ArchiveForm, options: StoreOptions): ImageSink {
  let writing: Writing | undefined;
  const abort = () => {
    writing?.tar.abort();
    writing = undefined;
  };
  return {
    name: form.name,
    takes: form.takes,
    takesIndexes: form.takesIndexes ?? false,
    directory: dirname(resolve(path)),
    // An archive is written anew each time: what stands there may have other names, another order, other images.
    find: async () => undefined,
    findLacking: async (target) => firstPositions(target, form),
    begin: (target) =>
      guarded(abort, async () => {
        if (writing !== undefined) throw new DidiffError('INTERNAL', `${form.name} is being written already`);
        options.signal?.throwIfAborted();
        const positions = firstPositions(target, form);
        const tar = openTarFile(path);
        writing = { tar, target, waiting: [...positions] };
        addDocuments(tar, form.documents(target), target.rest?.blobs ?? []);
        return positions;
      }),
    putLayer: (position, pieces) =>
      guarded(abort, async () => {
        const { tar, target, waiting } = assertWriting(writing, form);
        if (waiting[0] !== position) {
          throw new DidiffError('INTERNAL', `layer ${position} was put; expected ${waiting[0] ?? 'none'}`);
        }
        const { digest, sizeBytes } = form.storedLayer(target.layers[position]!);
        await tar.addStream(blobPath(digest), sizeBytes, pieces, options.signal);
        waiting.shift();
      }),
    commit: (target, names) =>
      guarded(abort, async () => {
        const { tar, waiting } = assertWriting(writing, form);
        if (waiting.length > 0) throw new DidiffError('INTERNAL', `layer ${waiting[0]} was not put`);
        options.signal?.throwIfAborted();
        const { files, published } = form.finish(target, names);
        for (const [name, bytes] of files) tar.addFile(name, bytes);
        tar.commit();
        writing = undefined;
        return published;
      }),
    abort: async () => abort(),
  };
}

/** After any failure the half-made file is gone at once. */
async function guarded<T>(abort: () => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    abort();
    throw toDidiffError(error);
  }
}

function assertWriting(writing: Writing | undefined, form: ArchiveForm): Writing {
  if (writing !== undefined) return writing;
  throw new DidiffError('INTERNAL', `${form.name} is not being written: begin comes first`);
}

function addDocuments(tar: TarFile, documents: readonly RawDocument[], blobs: readonly StoredBlob[]): void {
  tar.addDirectory('blobs');
  tar.addDirectory('blobs/sha256');
  const all = documents.map(({ digest, bytes }) => ({ digest, content: bytesAccess(bytes) }));
  const unique = new Map([...all, ...blobs].map(({ digest, content }) => [digest, content]));
  for (const [digest, content] of unique) tar.addContent(blobPath(digest), content);
}

/** Layers that are there more than once (empty ones often are) are stored once. */
function firstPositions(target: TargetImage, form: ArchiveForm): readonly number[] {
  const digests = target.layers.map((layer) => form.storedLayer(layer).digest);
  return [...digests.keys()].filter((position) => digests.indexOf(digests[position]!) === position);
}
