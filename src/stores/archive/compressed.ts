/** Archives that were compressed as a whole (`docker save … | gzip`): unpacked to a scratch file, as they have to be. */
import type { RandomAccess } from '../../bytes/access.ts';
import { freeDiskBytes, openTempFile } from '../../bytes/file.ts';
import { DidiffError } from '../../errors.ts';
import { decodeBlob } from '../../image/decode-blob.ts';
import { compressionOf } from '../../image/media-types.ts';
import type { StoreOptions } from '../../image/store.ts';

export interface PlainArchive {
  readonly access: RandomAccess;
  /** Frees the scratch file where there is one. */
  close(): void;
}

/** No archive may unpack to more than 256 GiB, nor to more than the disk has room for. */
const MAX_ARCHIVE_BYTES = 256 * 2 ** 30;

/** What docker load takes too and is not handled here, by the first bytes. */
const OTHER_COMPRESSIONS: readonly { magic: readonly number[]; name: string; command: string }[] = [
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], name: 'xz', command: 'xz -d' },
  { magic: [0x42, 0x5a, 0x68], name: 'bzip2', command: 'bzip2 -d' },
];

/** The tar in `file`: the file itself, or what gzip or zstd make of it. Throws CORRUPT_INPUT, UNSUPPORTED, LIMIT. */
export async function openPlainArchive(
  file: RandomAccess,
  what: string,
  options: StoreOptions,
): Promise<PlainArchive> {
  const start = new Uint8Array(Math.min(6, file.sizeBytes));
  file.readAt(0, start);
  assertHandled(start, what);
  const compression = compressionOf(start);
  if (compression === 'none') return { access: file, close: () => {} };
  const scratch = openTempFile(options.tempDirectory);
  const limit = Math.min(MAX_ARCHIVE_BYTES, freeDiskBytes(options.tempDirectory) ?? MAX_ARCHIVE_BYTES);
  let readBytes = 0;
  const onRead = (piece: Uint8Array) => {
    readBytes += piece.length;
    options.onProgress?.({ phase: `unpack ${what}`, doneBytes: readBytes, totalBytes: file.sizeBytes });
  };
  try {
    for await (const piece of decodeBlob(file, compression, what, options.signal, onRead)) {
      if (scratch.sizeBytes + piece.length > limit) throw tooLarge(what, limit, options.tempDirectory);
      scratch.append(piece);
    }
    return { access: scratch, close: () => scratch.close() };
  } catch (error) {
    scratch.close();
    throw error;
  }
}

function assertHandled(start: Uint8Array, what: string): void {
  for (const { magic, name, command } of OTHER_COMPRESSIONS) {
    if (!magic.every((byte, index) => start[index] === byte)) continue;
    throw new DidiffError('UNSUPPORTED', `${what} is compressed with ${name}`, {
      hint: `Unpack it first with ${command}; plain, gzip and zstd archives are read as they are.`,
    });
  }
}

function tooLarge(what: string, limit: number, directory: string): DidiffError {
  return new DidiffError('LIMIT', `${what} unpacks to more than ${limit} bytes; stopped there`, {
    hint: `${directory} has no room for more; name another place with --temp-dir, or unpack the archive yourself.`,
  });
}
