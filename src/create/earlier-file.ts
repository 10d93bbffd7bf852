/** Which file of the base a changed file most likely was before, by its name. */
import { type BaseFile, type Catalog, looseNames } from './catalog.ts';

/** The file of the base that `path`, of `sizeBytes`, most likely was; undefined when no name is alike. */
export function findEarlierFile(catalog: Catalog, path: string, sizeBytes: number): BaseFile | undefined {
  const same = catalog.byPath.get(path);
  if (same !== undefined && same.sizeBytes > 0) return same;
  for (const name of looseNames(path)) {
    const sharing = catalog.byLooseName.get(name);
    if (sharing !== undefined) return nearest(sharing, path, sizeBytes);
  }
  return undefined;
}

/** The one whose path has most in common, then the one nearest in size, then the first. */
function nearest(files: readonly BaseFile[], path: string, sizeBytes: number): BaseFile {
  let best = files[0]!;
  let bestScore = -1;
  for (const file of files) {
    const larger = Math.max(file.sizeBytes, sizeBytes);
    const score =
      commonEnds(file.path, path) + (larger === 0 ? 1 : Math.min(file.sizeBytes, sizeBytes) / larger);
    if (score > bestScore) {
      best = file;
      bestScore = score;
    }
  }
  return best;
}

function commonEnds(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return start + end;
}
