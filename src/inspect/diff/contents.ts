/** Comparing what files hold. Nothing is read that sizes, or being the same entry of the same layer, already tell. */
import { createHash } from 'node:crypto';
import { type RandomAccess, readPieces, sliceAccess } from '../../bytes/access.ts';
import type { Inode } from '../rootfs/node.ts';

/** Contents are read in pieces of this size. */
const PIECE_BYTES = 1 << 18;

export interface ContentReader {
  /** Whether the stored contents are the same bytes. `tick` is told of the bytes that were read of each. */
  isEqual(a: Inode, b: Inode): Promise<boolean>;
  /** Equal for equal contents only. */
  hash(inode: Inode): Promise<string>;
}

/** Has two buffers, used again for every file: one call at a time. */
export function openContentReader(tick: (bytes: number) => Promise<void>): ContentReader {
  const ours = new Uint8Array(PIECE_BYTES);
  const theirs = new Uint8Array(PIECE_BYTES);
  return {
    async isEqual(a, b) {
      if (a.entry.sizeBytes !== b.entry.sizeBytes) return false;
      const other = contentOf(b);
      let at = 0;
      for (const piece of readPieces(contentOf(a), ours)) {
        const same = theirs.subarray(0, piece.length);
        other.readAt(at, same);
        if (Buffer.compare(piece, same) !== 0) return false;
        at += piece.length;
        await tick(piece.length);
      }
      return true;
    },
    async hash(inode) {
      const hash = createHash('sha256');
      for (const piece of readPieces(contentOf(inode), ours)) {
        hash.update(piece);
        await tick(piece.length);
      }
      return hash.digest('base64');
    },
  };
}

function contentOf({ entry, layer }: Inode): RandomAccess {
  return sliceAccess(layer.tar, entry.contentOffset, entry.sizeBytes);
}
