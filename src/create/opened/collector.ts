/** Keeps bytes of a part in memory, and on disk when they get many. */
import { bytesAccess, type RandomAccess } from '../../bytes/access.ts';
import { openTempFile, type TempFile } from '../../bytes/file.ts';

/** Kept in memory up to this size. */
const MEMORY_BYTES = 4 << 20;

export interface Collector {
  /** Copies the piece. */
  append(piece: Uint8Array): void;
  /** All that was appended; valid until closed. */
  content(): RandomAccess;
  close(): void;
}

export function collector(tempDirectory: string): Collector {
  let pieces: Uint8Array[] = [];
  let count = 0;
  let file: TempFile | undefined;
  return {
    append(piece) {
      if (file !== undefined) {
        file.append(piece);
        return;
      }
      pieces.push(Uint8Array.from(piece));
      count += piece.length;
      if (count < MEMORY_BYTES) return;
      file = openTempFile(tempDirectory);
      for (const each of pieces) file.append(each);
      pieces = [];
    },
    content: () => file ?? bytesAccess(Buffer.concat(pieces)),
    close: () => file?.close(),
  };
}
