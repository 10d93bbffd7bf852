/** Opening the file that a user named as an image, with errors in the user's words. */
import { statSync } from 'node:fs';
import { type FileAccess, openFile } from '../bytes/file.ts';
import { DidiffError, toDidiffError } from '../errors.ts';

/** Throws NOT_FOUND, USAGE for directories, STORAGE. */
export function openInputFile(path: string): FileAccess {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
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
