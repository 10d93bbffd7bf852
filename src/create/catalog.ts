/**
 * What the base image holds: every file of every layer with its address, its content's hash and the names it can be
 * found by. Addresses count over all layer tars of the base, one after the other.
 */
import { createHash } from 'node:crypto';
import { type RandomAccess, readPieces, sliceAccess } from '../bytes/access.ts';
import type { LayerTar } from '../image/store.ts';
import { walkTar } from '../tar/walk.ts';

/** An entry of the base. `address` is that of its content, `sizeBytes` what is stored of it; 0 when it has none. */
export interface BaseFile {
  readonly path: string;
  readonly headerAddress: number;
  readonly headerBytes: number;
  readonly address: number;
  readonly sizeBytes: number;
}

/** An image may hold 100,000 files: each is one object here, and the maps lead to it by what takes least memory. */
export interface Catalog {
  /** All layer tars as one address space. */
  readonly space: RandomAccess;
  /** Files with content, by ascending address. */
  readonly files: readonly BaseFile[];
  /** Contents of opened parts of the base that may be executables, by ascending address behind all files. */
  readonly opened: { readonly address: number; readonly sizeBytes: number }[];
  /** The first file that has the very bytes of `content`; `buffer` is scratch. */
  readonly findSame: (content: RandomAccess, buffer: Uint8Array) => BaseFile | undefined;
  /** Of two layers with one path the upper one counts, as in the image. */
  readonly byPath: ReadonlyMap<string, BaseFile>;
  /** Files by the hash of each of their `looseNames`, in the order of addresses; a wrong one costs only time. */
  readonly byLooseName: ReadonlyMap<number, readonly BaseFile[]>;
}

/** Reads all headers. `tick` is told of every segment's size. */
export async function catalogBase(
  space: RandomAccess,
  layers: readonly LayerTar[],
  tick: (bytes: number) => Promise<void>,
): Promise<Catalog> {
  const files: BaseFile[] = [];
  const byPath = new Map<string, BaseFile>();
  const byLooseName = new Map<number, BaseFile[]>();
  let start = 0;
  for (const { content } of layers) {
    for (const segment of walkTar(content)) {
      await tick(segment.sizeBytes);
      if (segment.kind !== 'header') continue;
      const { path, headerOffset, headerBytes, contentOffset, sizeBytes } = segment.entry;
      const file: BaseFile = {
        path,
        headerAddress: start + headerOffset,
        headerBytes,
        address: start + contentOffset,
        sizeBytes,
      };
      byPath.set(path, file);
      if (sizeBytes === 0) continue;
      files.push(file);
      for (const name of looseNames(path)) {
        const sharing = byLooseName.get(name);
        if (sharing === undefined) byLooseName.set(name, [file]);
        else if (sharing.length < MAX_SHARING) sharing.push(file);
      }
    }
    start += content.sizeBytes;
  }
  return { space, files, opened: [], findSame: sameContentFinder(space, files), byPath, byLooseName };
}

/** Of files that share a loose name, so many are kept. */
const MAX_SHARING = 64;

/** Contents are read in pieces of this size. */
export const PIECE_BYTES = 1 << 18;

/** Few files of the base are ever asked for: they are hashed only when one of their size is. */
function sameContentFinder(space: RandomAccess, files: readonly BaseFile[]): Catalog['findSame'] {
  const bySize = new Map<number, BaseFile[]>();
  for (const file of files) {
    const sharing = bySize.get(file.sizeBytes);
    if (sharing === undefined) bySize.set(file.sizeBytes, [file]);
    else sharing.push(file);
  }
  const hashed = new Map<number, ReadonlyMap<string, BaseFile>>();
  const hashAll = (sharing: readonly BaseFile[], buffer: Uint8Array) => {
    const byKey = new Map<string, BaseFile>();
    for (const file of sharing) {
      const key = contentKey(sliceAccess(space, file.address, file.sizeBytes), buffer);
      if (!byKey.has(key)) byKey.set(key, file);
    }
    return byKey;
  };
  return (content, buffer) => {
    const sharing = bySize.get(content.sizeBytes);
    if (sharing === undefined) return undefined;
    const byKey = hashed.get(content.sizeBytes) ?? hashAll(sharing, buffer);
    hashed.set(content.sizeBytes, byKey);
    return byKey.get(contentKey(content, buffer));
  };
}

/** `buffer` is scratch. Equal for equal contents, and for others only if SHA-256's first 128 bits collide; the proof would find that. */
function contentKey(content: RandomAccess, buffer: Uint8Array): string {
  const hash = createHash('sha256');
  for (const piece of readPieces(content, buffer)) hash.update(piece);
  return `${content.sizeBytes}:${hash.digest().toString('latin1', 0, 16)}`;
}

/**
 * Hashes of the names under which a file's other versions may be found, the nearest first: the path without versions,
 * hashes and digits; the file's name; its name without them.
 */
export function looseNames(path: string): readonly number[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return [hashText(withoutVersions(path), 1), hashText(name, 2), hashText(withoutVersions(name), 3)];
}

function withoutVersions(text: string): string {
  // Hashes in names have at least six hex digits, with a digit among them: `main.3f2a1c.js`, `chunk-9ab04f21.css`.
  return text.replace(/\b(?=[a-f]*\d)[0-9a-f]{6,}\b/g, '#').replace(/[0-9]+(?:[._-]?[0-9]+)*/g, '#');
}

/** FNV-1a over the characters; `kind` keeps names of one kind from meeting those of another. */
function hashText(text: string, kind: number): number {
  let hash = Math.imul(0x811c9dc5 ^ kind, 0x01000193);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
