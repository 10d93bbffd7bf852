/**
 * Where an OCI layout's files come from: a directory or the tar of one (OCI image-layout v1.1). Nothing is proved
 * here; blobs are asked for by digest only, so no name in a layout can lead outside of it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RandomAccess, readRange } from '../../bytes/access.ts';
import type { Digest } from '../../bytes/digest.ts';
import { type FileAccess, openFile } from '../../bytes/file.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import { MAX_MANIFEST_BYTES, parseObject } from '../../image/manifest.ts';
import type { StoreOptions } from '../../image/store.ts';
import { openPlainArchive } from '../archive/compressed.ts';
import { findEntry, indexEntries, listTar, openEntry, readEntry } from '../archive/entries.ts';
import { blobPath } from '../archive/own-manifests.ts';
import { openInputFile, statIfThere } from '../input-file.ts';
import type { DocumentSource } from '../resolve-image.ts';

export interface Layout {
  /** For messages: `oci:DIR`, `oci-archive:FILE`. */
  readonly name: string;
  /** The bytes of index.json. */
  readonly index: Uint8Array;
  /** A blob as stored, valid until the layout is closed; undefined when it isn't there. */
  findBlob(digest: Digest): RandomAccess | undefined;
  close(): void;
}

/** The documents of a layout, as images are found through them. */
export function documentsOf(layout: Layout): DocumentSource {
  return {
    name: layout.name,
    place: 'the layout',
    missingHint:
      'The layout is not whole; copy the image again, for a name of several platforms with `skopeo copy --all`.',
    async findBytes({ digest, sizeBytes }, limitBytes) {
      const blob = layout.findBlob(digest);
      if (blob === undefined) return undefined;
      if (blob.sizeBytes !== sizeBytes) {
        throw corrupt(
          `${layout.name}: the document ${digest} has ${blob.sizeBytes} bytes; expected ${sizeBytes}`,
        );
      }
      return readRange(blob, 0, sizeBytes, limitBytes);
    },
  };
}

/** Opens a layout directory. Throws NOT_FOUND, CORRUPT_INPUT, UNSUPPORTED. */
export function openLayoutDirectory(directory: string): Layout {
  const name = `oci:${directory}`;
  const marker = readIfThere(directory, 'oci-layout');
  if (marker === undefined) throw describeMissing(directory);
  assertLayoutVersion(marker, name);
  const index = readIfThere(directory, 'index.json');
  if (index === undefined) throw corrupt(`${name} has no index.json`);
  const open = new Map<Digest, FileAccess>();
  return {
    name,
    index,
    findBlob(digest) {
      const file = open.get(digest) ?? openIfThere(join(directory, blobPath(digest)));
      if (file !== undefined) open.set(digest, file);
      return file;
    },
    close() {
      for (const file of open.values()) file.close();
      open.clear();
    },
  };
}

/** Opens the tar of a layout, plain or compressed as a whole. Throws NOT_FOUND, CORRUPT_INPUT, UNSUPPORTED. */
export async function openLayoutArchive(path: string, options: StoreOptions): Promise<Layout> {
  const name = `oci-archive:${path}`;
  const file = openInputFile(path);
  let closeScratch = () => {};
  const close = () => {
    closeScratch();
    file.close();
  };
  try {
    const plain = await openPlainArchive(file, name, options);
    closeScratch = plain.close;
    const content = { name, entries: listTar(plain.access, name), access: plain.access };
    const entries = indexEntries(content.entries);
    const read = (path: string) => {
      const entry = findEntry(entries, path);
      if (entry !== undefined) return readEntry(content, entry, MAX_MANIFEST_BYTES);
      throw corrupt(`${name} is no OCI archive: it has no ${path}`, {
        hint: entries.has('manifest.json')
          ? 'It has a manifest.json: name it with docker-archive: instead.'
          : 'Make one with `skopeo copy … oci-archive:FILE`.',
      });
    };
    assertLayoutVersion(read('oci-layout'), name);
    return {
      name,
      index: read('index.json'),
      findBlob(digest) {
        const entry = findEntry(entries, blobPath(digest));
        return entry === undefined ? undefined : openEntry(content, entry);
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Whether `directory` is an OCI layout. */
export function isLayoutDirectory(directory: string): boolean {
  return readIfThere(directory, 'oci-layout') !== undefined;
}

/** A small file of the layout; undefined when there is none. */
export function readIfThere(directory: string, name: string): Uint8Array | undefined {
  const path = join(directory, name);
  const stat = statIfThere(path);
  if (stat === undefined || !stat.isFile()) return undefined;
  if (stat.size <= MAX_MANIFEST_BYTES) return readFileSync(path);
  throw new DidiffError('LIMIT', `${path} is ${stat.size} bytes; at most ${MAX_MANIFEST_BYTES} are accepted`);
}

/** Throws unless the file `oci-layout` says version 1. */
export function assertLayoutVersion(marker: Uint8Array, name: string): void {
  const version = parseObject(marker, `${name}: oci-layout`, MAX_MANIFEST_BYTES)['imageLayoutVersion'];
  if (typeof version === 'string' && /^1\./.test(version)) return;
  throw new DidiffError(
    'UNSUPPORTED',
    `${name} is an OCI layout of version ${JSON.stringify(version)}; expected 1.0.0`,
  );
}

function describeMissing(directory: string): DidiffError {
  const stat = statIfThere(directory);
  if (stat === undefined) {
    return new DidiffError('NOT_FOUND', `there is no directory ${directory}`, { hint: 'Check the path.' });
  }
  return new DidiffError('NOT_FOUND', `${directory} is not an OCI layout: it has no file oci-layout`, {
    hint: stat.isFile()
      ? 'It is a file: name it with oci-archive: or docker-archive:.'
      : 'Make one with `skopeo copy … oci:DIR:NAME`.',
  });
}

function openIfThere(path: string): FileAccess | undefined {
  return statIfThere(path) === undefined ? undefined : openFile(path);
}
