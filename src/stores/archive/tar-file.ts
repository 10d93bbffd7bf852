/** A tar in the making at a path, entry by entry. Guards that an entry is exactly as long as its header says. */
import { type RandomAccess, readPieces } from '../../bytes/access.ts';
import { openPendingFile } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import { END_OF_ARCHIVE, encodeTarHeader, tarPadding } from '../../tar/encode.ts';
import { nameOfText } from '../../tar/name.ts';

export interface TarFile {
  addDirectory(name: string): void;
  addFile(name: string, bytes: Uint8Array): void;
  addContent(name: string, content: RandomAccess): void;
  /** Throws INTERNAL when `pieces` are not `sizeBytes` bytes; the file can then only be aborted. */
  addStream(
    name: string,
    sizeBytes: number,
    pieces: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Makes the file appear at its path. */
  commit(): void;
  abort(): void;
}

/** Starts a tar that appears at `path` only when committed. Times and owners are 0. */
export function openTarFile(path: string): TarFile {
  const file = openPendingFile(path);
  let aborted = false;
  const append = (bytes: Uint8Array) => {
    // An abort may come while a stream waits for its next piece.
    if (aborted)
      throw new DidiffError('CANCELLED', `the writing of ${path} was aborted; nothing was changed`);
    file.append(bytes);
  };
  const pad = (sizeBytes: number) => append(new Uint8Array(tarPadding(sizeBytes)));
  const header = (name: string, sizeBytes: number) =>
    append(encodeTarHeader({ path: nameOfText(name), sizeBytes }));
  return {
    addDirectory: (name) => append(encodeTarHeader({ path: nameOfText(`${name}/`), type: 'directory' })),
    addFile(name, bytes) {
      header(name, bytes.length);
      append(bytes);
      pad(bytes.length);
    },
    addContent(name, content) {
      header(name, content.sizeBytes);
      for (const piece of readPieces(content)) append(piece);
      pad(content.sizeBytes);
    },
    async addStream(name, sizeBytes, pieces, signal) {
      header(name, sizeBytes);
      let left = sizeBytes;
      for await (const piece of pieces) {
        signal?.throwIfAborted();
        left -= piece.length;
        if (left < 0) break;
        append(piece);
      }
      assertComplete(name, sizeBytes, left);
      pad(sizeBytes);
    },
    commit() {
      append(END_OF_ARCHIVE);
      file.commit();
    },
    abort() {
      aborted = true;
      file.abort();
    },
  };
}

/** A wrong length is the caller's mistake: the target's sizes are proved before it is written. */
export function assertComplete(name: string, sizeBytes: number, left: number): void {
  if (left === 0) return;
  throw new DidiffError(
    'INTERNAL',
    `${name} was to be ${sizeBytes} bytes; ${left < 0 ? 'more' : `only ${sizeBytes - left}`} came`,
  );
}
