/** A name in a tar as all reports show it. */
import { textOfName } from '../../tar/name.ts';
import { splitName } from '../rootfs/names.ts';

/** From the root, with a slash in front and none behind; the root itself is `/`. */
export function shownPath(path: string): string {
  return `/${splitName(textOfName(path)).join('/')}`;
}
