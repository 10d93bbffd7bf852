/**
 * The files that two images don't have alike. First the trees are compared by what headers say; then the contents are
 * read of those files only that may still be the same.
 */
import { startPhase } from '../../image/phase.ts';
import type { StoreOptions } from '../../image/store.ts';
import { textOfName } from '../../tar/name.ts';
import type { Inode, Tree, TreeNode } from '../rootfs/node.ts';
import type { TreePair } from '../rootfs/read.ts';
import { factsOf, headerAspects } from './aspects.ts';
import { openContentReader } from './contents.ts';
import type { FileAspect, FileChange, FileChangeKind, FilesDiff } from './model.ts';
import { pairMoves } from './moves.ts';
import { type Difference, type NodePair, walkPair } from './walk-pair.ts';

export interface CompareOptions extends StoreOptions {
  /** Whether times are left out. */
  readonly semantic: boolean;
  /** Which paths are looked at; all when absent. Given with a slash in front, as text. */
  readonly includes?: ((path: string) => boolean) | undefined;
}

/** What two images of the same layers give. */
export const NO_CHANGES: FilesDiff = {
  counts: { added: 0, removed: 0, changed: 0, metadata: 0, moved: 0 },
  changes: [],
};

export async function compareFiles(trees: TreePair, options: CompareOptions): Promise<FilesDiff> {
  const { differences, same } = findDifferences(trees, options);
  const unread = differences.filter((difference) => difference.unread);
  const unreadBytes = unread.reduce((sum, { base }) => sum + base!.inode!.entry.sizeBytes, 0);
  const comparing = startPhase('comparing files', unreadBytes, options.signal, options.onProgress);
  const contents = openContentReader(comparing.tick);
  const changes: Difference[] = [];
  let equal = same;
  for (const difference of differences) {
    const read = difference.unread ? await withContent(difference) : difference;
    if (read.aspects.length === 0 && read.base !== undefined && read.target !== undefined) equal++;
    else changes.push(read);
  }
  const isOneSided = ({ base, target }: NodePair) => base === undefined || target === undefined;
  const moves = await pairMoves(changes.filter(isOneSided), options);
  return summarise(changes, moves, equal, options.semantic);

  async function withContent(difference: Difference): Promise<Difference> {
    const isSame = await contents.isEqual(difference.base!.inode!, difference.target!.inode!);
    const aspects = isSame ? difference.aspects : (['content', ...difference.aspects] as const);
    return { ...difference, aspects, unread: false };
  }
}

function findDifferences(
  { base, target }: TreePair,
  { semantic, includes }: CompareOptions,
): { readonly differences: readonly Difference[]; readonly same: number } {
  const differences: Difference[] = [];
  const linksDiffer = compareLinks(base, target);
  let same = 0;
  for (const pair of walkPair(base, target)) {
    const { base: a, target: b } = pair;
    const isLinked = a !== undefined && b !== undefined && linksDiffer(pair.path, a, b);
    if (includes !== undefined && !includes(textOfName(pair.path))) continue;
    if (a === undefined || b === undefined) {
      differences.push({ ...pair, aspects: [], unread: false });
      continue;
    }
    const isEntry = a.inode?.entry === b.inode?.entry;
    if (isEntry && !isLinked) {
      same++;
      continue;
    }
    const aspects = isEntry ? [] : headerAspects(a, b).filter((aspect) => !semantic || aspect !== 'mtime');
    if (isLinked && !aspects.includes('type')) aspects.push('links');
    const content = isEntry || aspects[0] === 'type' ? 'same' : compareSizes(a.inode, b.inode);
    if (content === 'other') aspects.unshift('content');
    if (aspects.length === 0 && content === 'same') same++;
    else differences.push({ ...pair, aspects, unread: content === 'unread' });
  }
  return { differences, same };
}

function compareSizes(a: Inode | undefined, b: Inode | undefined): 'same' | 'other' | 'unread' {
  const sizes = [a?.entry.sizeBytes ?? 0, b?.entry.sizeBytes ?? 0] as const;
  if (sizes[0] !== sizes[1]) return 'other';
  return sizes[0] === 0 ? 'same' : 'unread';
}

/**
 * Hard links differ when the first path that leads to the same file isn't the same, of the paths that both images have.
 * To be asked for all of those, in order.
 */
function compareLinks(base: Tree, target: Tree): (path: string, a: TreeNode, b: TreeNode) => boolean {
  const firstOf = (tree: Tree) => {
    const first = new Map<unknown, string>();
    return (path: string, { inode }: TreeNode): string => {
      if (inode === undefined || !tree.linked.has(inode.entry)) return path;
      const before = first.get(inode.entry);
      if (before === undefined) first.set(inode.entry, path);
      return before ?? path;
    };
  };
  const [inBase, inTarget] = [firstOf(base), firstOf(target)];
  return (path, a, b) => inBase(path, a) !== inTarget(path, b);
}

function summarise(
  differences: readonly Difference[],
  moves: ReadonlyMap<Difference, Difference>,
  same: number,
  semantic: boolean,
): FilesDiff {
  const counts: Record<FileChangeKind, number> = { ...NO_CHANGES.counts };
  const gone = new Set(moves.values());
  const changes: FileChange[] = [];
  for (const difference of differences) {
    if (gone.has(difference)) continue;
    const change = describeChange(difference, moves.get(difference), semantic);
    counts[change.change]++;
    changes.push(change);
  }
  return { counts, same, changes };
}

function describeChange(
  { path, base, target, aspects }: Difference,
  earlier: Difference | undefined,
  semantic: boolean,
): FileChange {
  const before = earlier?.base ?? base;
  const moved = earlier === undefined ? [] : headerAspects(before!, target!);
  return {
    path: textOfName(path),
    change: earlier !== undefined ? 'moved' : kindOf(base, target, aspects),
    ...(earlier === undefined ? {} : { from: textOfName(earlier.path) }),
    aspects: earlier === undefined ? aspects : moved.filter((aspect) => !semantic || aspect !== 'mtime'),
    ...(before === undefined ? {} : { base: factsOf(before) }),
    ...(target === undefined ? {} : { target: factsOf(target) }),
  };
}

const OF_CONTENT: ReadonlySet<FileAspect> = new Set<FileAspect>(['type', 'content', 'target', 'device']);

function kindOf(
  base: TreeNode | undefined,
  target: TreeNode | undefined,
  aspects: readonly FileAspect[],
): FileChangeKind {
  if (base === undefined) return 'added';
  if (target === undefined) return 'removed';
  return aspects.some((aspect) => OF_CONTENT.has(aspect)) ? 'changed' : 'metadata';
}
