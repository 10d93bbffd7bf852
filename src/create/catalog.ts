/**
 * What the base image holds: every file of every layer with its address, its content's hash and the names it can be
 * found by. Addresses count over all layer tars of the base, one after the other.
 */
import { createHash } from 'node:crypto';
import { type RandomAccess, readPieces, sliceAccess } from '../bytes/access.ts';
import type { LayerTar } from '../image/store.ts';
import type { TarEntry } from '../tar/header.ts';
import { walkTar } from '../tar/walk.ts';

export interface BaseFile {
  readonly path: string;
  readonly address: number;
  readonly sizeBytes: number;
  readonly headerAddress: number;
  readonly headerBytes: number;
}

/** An entry without content, of which only the header is of use. */
export type BaseHeader = Pick<BaseFile, 'path' | 'headerAddress' | 'headerBytes'>;

export interface Catalog {
  /** All layer tars as one address space. */
  readonly space: RandomAccess;
  /** Files with content, by ascending address. */
  readonly files: readonly BaseFile[];
  readonly byContent: ReadonlyMap<string, BaseFile>;
  /** Files and other entries; of two layers with one path the upper one counts, as in the image. */
  readonly byPath: ReadonlyMap<string, BaseHeader & { readonly file?: BaseFile }>;
  /** Files by `looseNames`, in the order of addresses. */
  readonly byLooseName: ReadonlyMap<string, readonly BaseFile[]>;
}

/** Reads all layers once. `onBytes` is told of each file's size when it was read. */
export async function catalogBase(
  space: RandomAccess,
  layers: readonly LayerTar[],
  tick: (bytes: number) => Promise<void>,
): Promise<Catalog> {
  const files: BaseFile[] = [];
  const byContent = new Map<string, BaseFile>();
  const byPath = new Map<string, BaseHeader & { file?: BaseFile }>();
  const byLooseName = new Map<string, BaseFile[]>();
  const buffer = new Uint8Array(PIECE_BYTES);
  let start = 0;
  for (const { content } of layers) {
    for (const segment of walkTar(content)) {
      await tick(segment.sizeBytes);
      if (segment.kind === 'header') {
        const { entry } = segment;
        byPath.set(entry.path, headerOf(entry, start));
      } else if (segment.kind === 'content') {
        const { entry } = segment;
        const file: BaseFile = {
          ...headerOf(entry, start),
          address: start + segment.offset,
          sizeBytes: segment.sizeBytes,
        };
        files.push(file);
        byPath.set(entry.path, { ...headerOf(entry, start), file });
        const key = contentKey(sliceAccess(content, segment.offset, segment.sizeBytes), buffer);
        if (!byContent.has(key)) byContent.set(key, file);
        for (const name of looseNames(entry.path)) {
          const sharing = byLooseName.get(name);
          if (sharing === undefined) byLooseName.set(name, [file]);
          else sharing.push(file);
        }
      }
    }
    start += content.sizeBytes;
  }
  return { space, files, byContent, byPath, byLooseName };
}

function headerOf(entry: TarEntry, start: number): BaseHeader {
  return { path: entry.path, headerAddress: start + entry.headerOffset, headerBytes: entry.headerBytes };
}

/** Contents are read in pieces of this size. */
export const PIECE_BYTES = 1 << 18;

/** `buffer` is scratch. Equal for equal contents, and for others only if SHA-256's first 128 bits collide; the proof would find that. */
export function contentKey(content: RandomAccess, buffer: Uint8Array): string {
  const hash = createHash('sha256');
  for (const piece of readPieces(content, buffer)) hash.update(piece);
  return `${content.sizeBytes}:${hash.digest().toString('latin1', 0, 16)}`;
}

/**
 * Names under which a file's other versions may be found, the nearest first: the path without versions, hashes and
 * digits; the file's name; its name without them.
 */
export function looseNames(path: string): readonly string[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return [`path ${withoutVersions(path)}`, `name ${name}`, `stem ${withoutVersions(name)}`];
}

function withoutVersions(text: string): string {
  // Hashes in names have at least six hex digits, with a digit among them: `main.3f2a1c.js`, `chunk-9ab04f21.css`.
  return text.replace(/\b(?=[a-f]*\d)[0-9a-f]{6,}\b/g, '#').replace(/[0-9]+(?:[._-]?[0-9]+)*/g, '#');
}
