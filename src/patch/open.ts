/** Opens a patch file, or what comes in on a pipe, for reading from front to back. */
import { createFileStream, standardInput } from '../bytes/file.ts';
import { type AnyPatch, openAnyPatch } from './bundle.ts';
import { openPatchReader, type PatchReader } from './reader.ts';

export interface OpenedPatch {
  readonly reader: PatchReader;
  /** Bytes read so far; after `reader.finish()`, the patch's size. */
  readBytes(): number;
}

/** `path` may be `-` for standard input. Throws NOT_FOUND, CORRUPT_INPUT, or UNSUPPORTED, also for a bundle. */
export async function openPatch(path: string): Promise<OpenedPatch> {
  const { pieces, name, readBytes } = countPieces(path);
  return { reader: await openPatchReader(pieces, name), readBytes };
}

/** The same for what may be a bundle. Throws LIMIT too. */
export async function openPatchOrBundle(path: string): Promise<AnyPatch & Pick<OpenedPatch, 'readBytes'>> {
  const { pieces, name, readBytes } = countPieces(path);
  return { ...(await openAnyPatch(pieces, name)), readBytes };
}

function countPieces(path: string) {
  const name = path === '-' ? 'the patch on standard input' : path;
  let readBytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of path === '-' ? standardInput() : createFileStream(path)) {
      readBytes += piece.length;
      yield piece;
    }
  }
  return { pieces: counted(), name, readBytes: () => readBytes };
}
