/**
 * Finds files that are gone at one path and have come at another with the same content. Only those are read that have
 * a size in common; empty files, links and directories are never moves.
 */
import { startPhase } from '../../image/phase.ts';
import type { StoreOptions } from '../../image/store.ts';
import { openContentReader } from './contents.ts';
import type { Difference } from './walk-pair.ts';

/**
 * Which difference of the target is a move, and the one of the base it came from. Every file is in one pair at most;
 * of several with the same content, those of the same name belong together, then the first ones.
 */
export async function pairMoves(
  oneSided: readonly Difference[],
  options: StoreOptions,
): Promise<ReadonlyMap<Difference, Difference>> {
  const gone = bySize(oneSided.filter(({ target }) => target === undefined));
  const arrived = bySize(oneSided.filter(({ base }) => base === undefined));
  const sizes = [...gone.keys()].filter((sizeBytes) => arrived.has(sizeBytes));
  const totalBytes = sizes.reduce(
    (sum, sizeBytes) => sum + sizeBytes * (gone.get(sizeBytes)!.length + arrived.get(sizeBytes)!.length),
    0,
  );
  const { tick } = startPhase('finding moved files', totalBytes, options.signal, options.onProgress);
  const contents = openContentReader(tick);
  const moves = new Map<Difference, Difference>();
  for (const sizeBytes of sizes) {
    const left = await byContent(gone.get(sizeBytes)!);
    for (const [hash, found] of await byContent(arrived.get(sizeBytes)!)) {
      const from = left.get(hash) ?? [];
      const unpaired = pair(found, from, nameOf);
      pair(unpaired.found, unpaired.from, () => '');
    }
  }
  return moves;

  async function byContent(files: readonly Difference[]): Promise<Map<string, Difference[]>> {
    const hashes = new Map<Difference, string>();
    for (const file of files) hashes.set(file, await contents.hash((file.target ?? file.base)!.inode!));
    return groupBy(files, (file) => hashes.get(file)!);
  }

  /** Pairs those of one key, in their order, and gives what is left of both. */
  function pair(
    found: readonly Difference[],
    from: readonly Difference[],
    key: (file: Difference) => string,
  ) {
    const groups = groupBy(from, key);
    const used = new Set<Difference>();
    const taken = new Map<string, number>();
    const rest = found.filter((file) => {
      const name = key(file);
      const next = taken.get(name) ?? 0;
      const earlier = groups.get(name)?.[next];
      if (earlier === undefined) return true;
      taken.set(name, next + 1);
      used.add(earlier);
      moves.set(file, earlier);
      return false;
    });
    return { found: rest, from: from.filter((file) => !used.has(file)) };
  }
}

function bySize(differences: readonly Difference[]): Map<number, Difference[]> {
  const entryOf = ({ base, target }: Difference) => (target ?? base)?.inode?.entry;
  const files = differences.filter((each) => entryOf(each)?.type === 'file' && entryOf(each)!.sizeBytes > 0);
  return groupBy(files, (each) => entryOf(each)!.sizeBytes);
}

function groupBy<K>(files: readonly Difference[], key: (file: Difference) => K): Map<K, Difference[]> {
  const groups = new Map<K, Difference[]>();
  for (const file of files) {
    const group = groups.get(key(file));
    if (group === undefined) groups.set(key(file), [file]);
    else group.push(file);
  }
  return groups;
}

function nameOf({ path }: Difference): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
