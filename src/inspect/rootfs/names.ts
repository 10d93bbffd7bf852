/**
 * From a name in a tar to a directory of the tree. As the engines do it, a name can't leave the root, and symbolic
 * links on the way are followed within it.
 */
import { directoryNode, type Tree, type TreeNode } from './node.ts';

/** As many symbolic links as Linux follows. */
const MAX_LINKS = 40;

/** The names of a path, without `.` and empty ones; `..` takes the one before away. */
export function splitName(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names;
}

/** Undefined when there is no such directory. */
export function findDirectory(root: TreeNode, names: readonly string[]): TreeNode | undefined {
  return walk(root, names, (_, node) => node);
}

/**
 * The directory of `names`, with those made that are missing. What stands in its way and is no directory makes way.
 * `add` puts a node into the tree.
 */
export function makeDirectory(
  tree: Tree,
  names: readonly string[],
  layer: number,
  add: (tree: Tree, parent: TreeNode, name: string, node: TreeNode) => void,
): TreeNode {
  tree.root.touchedBy = layer;
  const found = walk(tree.root, names, (parent, child, name) => {
    const node = child?.children === undefined ? directoryNode(layer) : child;
    if (node !== child) add(tree, parent, name, node);
    node.touchedBy = layer;
    return node;
  });
  return found!;
}

/** `step` says what to go on with where `name` leads to `child`; undefined ends the walk. */
function walk(
  root: TreeNode,
  names: readonly string[],
  step: (parent: TreeNode, child: TreeNode | undefined, name: string) => TreeNode | undefined,
): TreeNode | undefined {
  // What is still to be walked, the next name last.
  const left = [...names].reverse();
  const way: TreeNode[] = [root];
  let links = 0;
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (name === '..') {
      if (way.length > 1) way.pop();
      continue;
    }
    const parent = way.at(-1)!;
    const child = parent.children?.get(name);
    const entry = child?.inode?.entry;
    if (entry?.type === 'symlink' && links < MAX_LINKS) {
      links++;
      if (entry.linkTarget.startsWith('/')) way.length = 1;
      left.push(...entry.linkTarget.split('/').filter(isName).reverse());
      continue;
    }
    const next = step(parent, child, name);
    if (next?.children === undefined) return undefined;
    way.push(next);
  }
  return way.at(-1);
}

function isName(name: string): boolean {
  return name !== '' && name !== '.';
}
