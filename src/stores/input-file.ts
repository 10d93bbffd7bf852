/** Paths that a user named: what is there, with errors in the user's words. */
import { type Stats, statSync } from 'node:fs';
import { type FileAccess, openFile } from '../bytes/file.ts';
import { DidiffError, toDidiffError } from '../errors.ts';

/** What is at `path`; undefined when nothing is, also below a file. Throws STORAGE. */
export function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw toDidiffError(error);
  }
}

/** Opens an archive's file. Throws NOT_FOUND, USAGE for directories, STORAGE. */
export function openInputFile(path: string): FileAccess {
  try {
    const stat = statIfThere(path);
    if (stat === undefined)
      throw new DidiffError('NOT_FOUND', `there is no file ${path}`, { hint: 'Check the path.' });
    if (stat.isDirectory()) {
      throw new DidiffError('USAGE', `${path} is a directory; expected the file of an archive`, {
        hint: 'An OCI layout in a directory is named with oci:DIR.',
      });
    }
    return openFile(path);
  } catch (error) {
    throw toDidiffError(error);
  }
}
